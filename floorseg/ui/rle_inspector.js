// Run-length encoding laid open: paste or draw a mask, see its runs, its strip, what it decodes to.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h } = floorseg;
  const number = new Intl.NumberFormat("en-US");
  const FIRST = [ // a room with a corner cut away
    [0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 1, 1, 0],
    [0, 1, 1, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0],
  ];
  const COLOURS = ["", "#6366f1", "#f59e0b", "#10b981", "#ef4444", "#06b6d4", "#d946ef", "#84cc16"];

  const colourOf = (value, paper) => (value === 0 ? paper : COLOURS[value] || `hsl(${(value * 137.508) % 360} 65% 52%)`);

  class RleInspector {
    constructor(root, call, report) {
      this.call = call;
      this.report = report;
      this.brush = 1;
      this.cells = FIRST.map((row) => [...row]);
      this.size = null;
      root.append(h("div.fs-rle", {}, h("div.fs-stack", {}, this.buildSource(), this.buildEditor()), this.buildResult()));
      this.renderCells();
      new ResizeObserver(() => this.answer && this.draw()).observe(root);
      new MutationObserver(() => this.answer && this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    }

    // ---- layout

    buildSource() {
      this.chips = h("div.fs-row.fs-wrap");
      this.text = h("textarea.fs-input.fs-paste", { rows: 6, spellcheck: "false", "aria-label": "Encoding", placeholder: '{"size": [7, 1], "counts": [2, 3, 1, 1]}',
        onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.inspect(); } });
      this.from = h("span.fs-note");
      return h("section.fs-card", {}, h("h3", {}, "Encoding"), this.chips, this.text,
        h("div.fs-row", {}, h("button.fs-button.fs-primary", { type: "button", onclick: () => { this.size = null; this.from.textContent = ""; this.inspect(); } }, "Lay it open"), this.from),
        h("p.fs-note", {}, "Takes COCO's counts as a list or a string, a whole annotation, Roboflow's pairs, polygons, and multi-class RLE with size, values and counts."));
    }

    buildEditor() {
      this.board = h("div.fs-board", { role: "grid", "aria-label": "Mask, cell by cell", onpointerdown: (event) => this.press(event), onpointermove: (event) => this.drag(event) });
      for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) this.board.addEventListener(name, () => { this.painting = null; });
      this.palette = h("div.fs-row.fs-palette", { role: "radiogroup", "aria-label": "Value to draw" }, [0, 1, 2, 3, 4, 5].map((value) => h("button.fs-value-chip", { type: "button", role: "radio", "data-value": String(value), onclick: () => this.choose(value) }, String(value))));
      this.mode = h("select.fs-input", { "aria-label": "Kind of encoding", onchange: () => this.drawn() }, h("option", { value: "" }, "binary"), h("option", { value: "1" }, "multi-class"));
      const fresh = (fill) => { this.cells = Array.from({ length: 8 }, () => new Array(8).fill(fill)); this.renderCells(); this.drawn(); };
      this.choose(1);
      return h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Draw a mask"), h("span.fs-grow"), this.mode), this.board, h("div.fs-row.fs-wrap", {}, this.palette, h("span.fs-grow"),
        h("button.fs-link", { type: "button", onclick: () => fresh(0) }, "Clear"), h("button.fs-link", { type: "button", onclick: () => { this.cells = FIRST.map((row) => [...row]); this.renderCells(); this.drawn(); } }, "A room")),
        h("p.fs-note", {}, "The runs go down each column, then to the top of the next: hold the pointer on a run to see where it lies."));
    }

    buildResult() {
      this.kind = h("p.fs-note");
      this.problem = h("p.fs-wrong", { role: "alert", hidden: true });
      this.facts = h("tbody");
      this.strip = h("canvas.fs-strip", { role: "img", "aria-label": "Runs in reading order" });
      this.stripBox = h("div.fs-stripbox", {}, this.strip);
      this.stripNote = h("p.fs-note");
      this.picture = h("canvas.fs-decoded", { role: "img", "aria-label": "Decoded mask" });
      this.rows = h("tbody");
      this.rowNote = h("p.fs-note");
      const heads = (names) => h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));
      this.strip.addEventListener("pointermove", (event) => this.light(this.runAt(event)));
      this.strip.addEventListener("pointerleave", () => this.light(null));
      this.rows.addEventListener("pointerover", (event) => { const row = event.target.closest("tr"); if (row) this.light(Number(row.dataset.run)); });
      this.rows.addEventListener("pointerleave", () => this.light(null));
      return h("div.fs-stack", {}, h("section.fs-card", {}, h("h3", {}, "What it holds"), this.kind, this.problem, h("table.fs-table.fs-lines.fs-facts", {}, heads(["", "stated", "computed"]), this.facts)),
        h("section.fs-card", {}, h("h3", {}, "Runs, in reading order"), this.stripBox, this.stripNote),
        h("div.fs-pair", {}, h("section.fs-card", {}, h("h3", {}, "Decoded"), h("div.fs-decodedbox", {}, this.picture)),
          h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Runs"), h("span.fs-grow"), h("button.fs-link", { type: "button", title: "Download the runs", onclick: () => this.saveRuns() }, "CSV")), h("div.fs-scroll.fs-tall", {}, h("table.fs-table.fs-runs", {}, heads(["run", "value", "length", "column", "row"]), this.rows)), this.rowNote)));
    }

    fill(examples) {
      this.chips.replaceChildren(...examples.map(({ name, text }) => h("button.fs-button.fs-small-button", { type: "button", onclick: () => this.load(text) }, name)));
      this.drawn();
    }

    // ---- asking

    async load(text, { size = null, from = "" } = {}) {
      this.text.value = text;
      this.size = size;
      this.from.textContent = from;
      await this.inspect();
    }

    async inspect() {
      await this.asked("inspect_encoding", { text: this.text.value, size: this.size }, (answer) => {
        if (!answer.grid) return;
        this.cells = answer.grid;
        this.mode.value = answer.kind === "multi-class" ? "1" : "";
        this.renderCells();
      });
    }

    async drawn() {
      this.size = null;
      this.from.textContent = "";
      await this.asked("encode_cells", { cells: this.cells, multiclass: Boolean(this.mode.value) }, (answer) => { this.text.value = spaced(answer.text); });
    }

    async asked(name, payload, then) {
      const turn = (this.turn = {});
      try {
        const answer = await this.call(name, payload);
        if (turn !== this.turn) return;
        then(answer);
        this.answer = answer;
        this.render();
      } catch (problem) {
        if (turn !== this.turn) return;
        if (!(problem instanceof floorseg.ServerProblem)) return this.report(problem);
        this.answer = null;
        this.renderProblem(problem.message);
      }
    }

    // ---- what it holds

    renderProblem(said) {
      this.kind.textContent = "";
      this.problem.hidden = false;
      this.problem.textContent = said;
      this.facts.replaceChildren();
      this.rows.replaceChildren();
      this.rowNote.textContent = this.stripNote.textContent = "";
      this.strip.hidden = this.picture.hidden = true;
    }

    render() {
      const { kind, order, problem, facts, runs, run_count: count, decoded } = this.answer;
      this.kind.textContent = `${kind[0].toUpperCase()}${kind.slice(1)}, read ${order}${decoded ? `; as COCO's string: ${decoded}` : ""}`;
      this.problem.hidden = !problem;
      this.problem.textContent = problem;
      this.facts.replaceChildren(...facts.map((fact) => h(`tr${fact.agrees ? "" : ".fs-disagrees"}`, {}, h("th", { scope: "row" }, fact.name), h("td", {}, fact.stated || "–"), h("td", {}, fact.computed))));
      this.rows.replaceChildren(...runs.map((run) => h("tr", { "data-run": String(run.run) }, h("td.fs-num", {}, run.run), h("td", {}, h("span.fs-swatch", { style: `background:${colourOf(run.value, "transparent")}` }), ` ${run.value}`),
        h("td.fs-num", {}, number.format(run.length)), h("td.fs-num", {}, number.format(run.column)), h("td.fs-num", {}, number.format(run.row)))));
      this.rowNote.textContent = count > runs.length ? `The first ${number.format(runs.length)} of ${number.format(count)} runs.` : `${number.format(count)} ${count === 1 ? "run" : "runs"}.`;
      this.draw();
    }

    saveRuns() {
      const columns = ["run", "value", "length", "column", "row"], runs = this.answer ? this.answer.runs : [];
      floorseg.saveText("runs.csv", [columns, ...runs.map((run) => columns.map((name) => run[name]))].map((row) => row.join(",")).join("\n"), "text/csv");
    }

    draw() {
      this.drawStrip(null);
      this.drawPicture(null);
    }

    light(run) {
      if (!this.answer || this.lit === run) return;
      this.lit = run;
      for (const row of this.rows.children) row.classList.toggle("fs-hover", Number(row.dataset.run) === run);
      this.drawStrip(run);
      this.drawPicture(run);
    }

    // ---- drawing by hand

    choose(value) {
      this.brush = value;
      for (const chip of this.palette.children) {
        const mine = Number(chip.dataset.value);
        chip.setAttribute("aria-checked", String(mine === value));
        chip.style.setProperty("--fs-value", colourOf(mine, "transparent"));
      }
      if (value > 1 && this.mode && !this.mode.value) { this.mode.value = "1"; this.drawn(); }
    }

    renderCells() {
      const width = this.cells[0].length;
      this.board.style.setProperty("--fs-columns", String(width));
      this.board.replaceChildren(...this.cells.flatMap((row, y) => row.map((value, x) => {
        const cell = h("button.fs-cellbox", { type: "button", "data-x": String(x), "data-y": String(y), onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.put(x, y, value ? 0 : this.brush || 1); this.drawn(); } } });
        return this.colourCell(cell, value);
      })));
    }

    colourCell(cell, value) {
      cell.style.background = colourOf(value, "");
      cell.textContent = value || "";
      cell.setAttribute("aria-label", `row ${cell.dataset.y}, column ${cell.dataset.x}: ${value}`);
      return cell;
    }

    cellAt(event) {
      const found = document.elementFromPoint(event.clientX, event.clientY);
      return found && this.board.contains(found) && found.dataset.x !== undefined ? [Number(found.dataset.x), Number(found.dataset.y)] : null;
    }

    press(event) {
      const at = this.cellAt(event);
      if (!at) return;
      event.preventDefault();
      this.board.setPointerCapture(event.pointerId);
      this.painting = this.cells[at[1]][at[0]] === this.brush ? { value: 0 } : { value: this.brush };
      this.drag(event);
    }

    drag(event) {
      const at = this.painting && this.cellAt(event);
      if (!at || this.cells[at[1]][at[0]] === this.painting.value) return;
      this.put(at[0], at[1], this.painting.value);
      this.drawn();
    }

    put(x, y, value) {
      this.cells = this.cells.map((row, r) => (r === y ? row.map((old, c) => (c === x ? value : old)) : row));
      this.colourCell(this.board.children[y * this.cells[0].length + x], value);
    }
  }

  const spaced = (text) => text.replaceAll(/([:,])(?=\S)/g, "$1 ");

  Object.assign(floorseg, { RleInspector, runColour: colourOf });
})();
