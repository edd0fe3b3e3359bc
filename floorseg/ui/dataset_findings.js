// The Dataset tab's findings: kinds, single findings that lead to their sample, and what mends them.
(() => {
  const floorseg = window.floorseg, { h, icon, saveText, say, DatasetPage, formatNumber, pager } = floorseg;
  const DELAY = 250, POLL = 400; // ms
  const DID = { check: "Checked", mend: "Mended copy", convert: "Converted", synth: "Drawn" };
  const DOES = { check: "Checking", mend: "Writing the mended copy", convert: "Converting", synth: "Drawing plans" };

  Object.assign(DatasetPage.prototype, {
    buildFindings() {
      this.kinds = h("div.fs-kinds");
      this.findingSearch = h("input.fs-input", { type: "search", placeholder: "file or sentence", "aria-label": "Search the findings", oninput: () => { clearTimeout(this.searching); this.searching = setTimeout(() => this.listFindings(0), DELAY); } });
      this.findingCount = h("span.fs-small", { role: "status", "aria-live": "polite" });
      this.findingRows = h("tbody");
      this.findingPager = pager((page) => this.listFindings(page));
      this.allKinds = h("button.fs-link", { type: "button", hidden: true, onclick: () => this.filterFindings("") }, "Show all kinds");
      const save = (kind) => h("button.fs-link", { type: "button", title: "Download all that is listed", onclick: () => this.saveFindings(kind) }, kind.toUpperCase());
      this.findingTable = h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Findings"), this.findingCount, this.allKinds, h("span.fs-grow"), this.findingSearch, icon("download"), save("csv"), save("json")),
        h("div.fs-scroll.fs-tall", {}, h("table.fs-table.fs-lines", {}, h("thead", {}, h("tr", {}, ["", "File", "What was found"].map((title) => h("th", { scope: "col" }, title)))), this.findingRows)),
        h("div.fs-row", {}, h("span.fs-grow"), this.findingPager.bottom));
      this.tasks = h("div.fs-tasks");
      this.panels.findings.append(h("div.fs-findgrid", {}, h("div.fs-stack", {}, h("section.fs-card", {}, h("h3", {}, "Kinds"), this.kinds), this.buildCopies()), h("div.fs-stack", {}, this.tasks, this.findingTable)));
    },

    buildCopies() {
      this.mendName = h("input.fs-input", { type: "text", "aria-label": "Name of the mended copy", maxlength: "64", spellcheck: "false" });
      this.convertName = h("input.fs-input", { type: "text", "aria-label": "Name of the converted dataset", maxlength: "64", spellcheck: "false" });
      this.formatMenu = h("select.fs-input", { "aria-label": "Format", onchange: () => this.suggestNames() });
      this.forSam2 = h("input", { type: "checkbox" });
      this.sam2Box = h("label.fs-field.fs-small", {}, this.forSam2, h("span", {}, "names and JPEGs as sam2's own trainer needs them"));
      const mend = h("button.fs-button.fs-primary", { type: "button", onclick: () => this.startCopy("mend", { target: this.mendName.value.trim() }) }, "Write a mended copy");
      const convert = h("button.fs-button", { type: "button", onclick: () => this.startCopy("convert", { target: this.convertName.value.trim(), to: this.formatMenu.value, for_sam2: this.forSam2.checked && this.formatMenu.value === "sa1b" }) }, "Convert");
      return h("section.fs-card", {}, h("h3", {}, "Mend and convert"), h("p.fs-note", {}, "Both write a new dataset beside this one, which is never touched."),
        h("label.fs-field", {}, h("span", {}, "Copy"), this.mendName), mend,
        h("label.fs-field.fs-apart", {}, h("span", {}, "Format"), this.formatMenu), this.sam2Box, h("label.fs-field", {}, h("span", {}, "Name"), this.convertName), convert);
    },

    fillFormats() {
      this.formatMenu.replaceChildren(...this.facts.formats.map((value) => h("option", { value }, floorseg.formatNames[value] || value)));
    },

    // A name that the visitor typed stays, until there is such a dataset or another one is open.
    suggestNames() {
      const { datasets } = this.facts, other = this.suggestedFor !== this.name;
      const plain = (this.name === "." ? "dataset" : this.name).replaceAll(/[^\w.-]+/g, "_").slice(0, 50);
      const free = (name) => { let n = 1, made = name; while (datasets.includes(made)) made = `${name}_${++n}`; return made; };
      for (const [field, kind] of [[this.mendName, "mended"], [this.convertName, this.formatMenu.value]]) {
        const typed = field.value && field.value !== field.suggested && !datasets.includes(field.value);
        field.suggested = free(`${plain}_${kind}`);
        if (other || !typed) field.value = field.suggested;
      }
      this.suggestedFor = this.name;
      this.sam2Box.hidden = this.formatMenu.value !== "sa1b";
    },

    // ---- the table

    renderKinds() {
      const checked = this.seen.checked, kinds = checked ? checked.kinds : [];
      this.fillCodes(kinds);
      this.findingTable.hidden = !kinds.length;
      if (!checked && this.checking()) { this.kinds.replaceChildren(h("p.fs-note", {}, "The first check is running.")); return; }
      if (!checked) { this.kinds.replaceChildren(h("p.fs-note", {}, "This dataset has not been checked. "), h("button.fs-button", { type: "button", onclick: () => this.check() }, "Check it now")); return; }
      const old = checked.fresh ? null : h("p.fs-note", {}, "Files have changed since. ", h("button.fs-link", { type: "button", onclick: () => this.check() }, "Check again"));
      if (!kinds.length) { this.kinds.replaceChildren(h("p.fs-note", {}, icon("check"), " Nothing wrong was found."), ...[old].filter(Boolean)); return; }
      this.kinds.replaceChildren(...[old].filter(Boolean), ...kinds.map((kind) => h("button.fs-kind", { type: "button", "data-code": kind.code, "aria-pressed": String(this.findingCode === kind.code), onclick: () => this.filterFindings(this.findingCode === kind.code ? "" : kind.code) },
        h(`span.fs-dot.fs-${kind.severity}`, { title: kind.severity }), h("span", {}, h("span.fs-kindtitle", {}, kind.title), h("span.fs-small", {}, kind.fix, kind.fixable ? h("span.fs-tag", {}, "mended") : null)), h("b", {}, formatNumber(kind.concerned)))));
    },

    filterFindings(code) {
      this.findingCode = code;
      for (const kind of this.kinds.querySelectorAll(".fs-kind")) kind.setAttribute("aria-pressed", String(kind.dataset.code === code));
      this.listFindings(0);
    },

    async listFindings(page) {
      const turn = (this.listing = {});
      this.allKinds.hidden = !this.findingCode;
      try {
        const answer = await this.call("findings", { ...this.ask, code: this.findingCode || "", text: this.findingSearch.value, page });
        if (turn !== this.listing) return;
        this.findingCount.textContent = formatNumber(answer.total);
        this.findingPager.set(answer.page, answer.pages);
        this.findingRows.replaceChildren(...answer.findings.map((one) => this.findingRow(one)));
      } catch (problem) {
        if (turn === this.listing) this.report(problem);
      }
    },

    findingRow(one) {
      const file = one.file.split("/").pop() || "whole dataset";
      const name = one.row === null || one.row === undefined ? h("span", { title: one.file }, file) : h("button.fs-link", { type: "button", title: one.file, onclick: () => this.jump(one.row) }, file);
      return h("tr", {}, h("td", {}, h(`span.fs-dot.fs-${one.severity}`, { title: one.severity })), h("td.fs-file", {}, name), h("td", {}, one.sentence));
    },

    jump(row) {
      this.resetFilters();
      this.renderKinds();
      this.openSample(row);
    },

    async saveFindings(kind) {
      try {
        const { name, text } = await this.call("findings_file", { ...this.ask, code: this.findingCode || "", text: this.findingSearch.value, kind });
        saveText(name, text, kind === "csv" ? "text/csv" : "application/json");
      } catch (problem) {
        this.report(problem);
      }
    },

    // ---- work in the background

    checking() {
      return [...this.watched.values()].find((task) => task.kind === "check" && task.dataset === this.name);
    },

    async check() {
      await this.start("check", {});
    },

    async startCopy(kind, asked) {
      await this.start(kind, asked);
    },

    async start(kind, asked) {
      try {
        this.watch(await this.call(kind, { ...this.ask, ...asked }));
      } catch (problem) {
        this.report(problem);
      }
    },

    async watch(task, place = this.tasks) {
      if (this.watched.has(task.task)) return;
      const box = h("section.fs-card.fs-task", { role: "status" });
      this.watched.set(task.task, task);
      if (task.kind === "check" && this.seen) this.renderKinds();
      place.prepend(box);
      let quiet = 0;
      for (;;) {
        this.renderTask(box, task);
        if (!["waiting", "running"].includes(task.state)) break;
        await new Promise((resolve) => setTimeout(resolve, POLL));
        try {
          task = await this.call("task", { task: task.task });
          quiet = 0;
        } catch (problem) {
          quiet += 1;
          if (quiet > 5 || problem.kind === "DatasetError") { box.remove(); this.watched.delete(task.task); return this.report(problem); }
        }
        this.watched.set(task.task, task);
        if (task.kind === "check" && task.dataset === this.name && this.seen) this.findingsFact.replaceWith(this.findingsCard(this.seen.checked));
      }
      this.watched.delete(task.task);
      await this.ended(task, box);
    },

    renderTask(box, task) {
      const going = ["waiting", "running"].includes(task.state);
      const said = task.state === "failed" ? h("p.fs-wrong", {}, task.problem) : h("p.fs-note", {}, words(task));
      const stop = h("button.fs-button", { type: "button", onclick: () => this.call("stop_task", { task: task.task }).catch((problem) => this.report(problem)) }, "Stop");
      const close = h("button.fs-mini", { type: "button", "aria-label": "Close", onclick: () => box.remove() }, icon("close"));
      const open = task.target && task.state === "done" ? h("button.fs-button.fs-primary", { type: "button", onclick: () => this.openMade(task.target) }, "Open it") : null;
      const bar = h("progress", { max: 1 });
      if (task.total > 1) bar.value = task.done / task.total;
      box.replaceChildren(h("div.fs-row", {}, h("h3", {}, `${(task.state === "done" ? DID : DOES)[task.kind]}: ${task.target || task.dataset}`), h("span.fs-grow"), open, going ? stop : close),
        going ? bar : "", said, h("div.fs-command", {}, h("code", {}, task.command), h("button.fs-link", { type: "button", onclick: () => this.copy(task.command) }, "Copy")), details(task));
    },

    async ended(task, box) {
      if (task.kind === "check" && task.state === "done") box.remove();
      if (["check", "mend"].includes(task.kind) && task.dataset === this.name && this.seen) await this.look(true);
      if (!task.target || task.state !== "done") { if (this.drawButton) this.drawButton.disabled = false; return; }
      this.facts = await this.call("hello_datasets");
      if (task.kind === "synth") { this.fillMenu(); await this.open(task.target); this.show("overview"); return; }
      const name = this.name;
      this.fillMenu();
      this.menu.value = name;
      this.suggestNames();
    },

    async openMade(name) {
      await this.open(name);
      this.show("overview");
    },

    async copy(text) {
      try {
        await navigator.clipboard.writeText(text);
        say(this.page, "Copied.");
      } catch {
        say(this.page, "The browser does not let this page copy; select the command by hand.", { problem: true });
      }
    },
  });

  function words(task) {
    const { state, done, total, what, answer } = task;
    if (state === "waiting") return "waiting for what runs before it";
    if (state === "running") return total > 1 ? done === total ? "finishing …" : `${what}: ${formatNumber(done)} of ${formatNumber(total)}` : `${what} …`;
    if (state === "stopped") return task.target ? "stopped; the same command goes on where it was" : "stopped";
    if (task.kind === "check" || task.kind === "synth") return "done";
    const changes = task.kind === "mend" ? `, ${formatNumber(answer.change_count)} changes` : "";
    return `${formatNumber(answer.samples)} samples written as ${floorseg.formatNames[answer.format] || answer.format}${changes}`;
  }

  function details(task) {
    const { changes = [], notes = [], left_out: left = [], change_count: count = 0 } = task.answer || {};
    const part = (title, listed, number) => listed.length && h("details", {}, h("summary", {}, `${title} (${formatNumber(number)})`), h("ul", {}, listed.map((said) => h("li", {}, said))));
    return h("div.fs-small", {}, [part("What was changed", changes, count), part("Not kept", notes, notes.length), part("Left out", left, left.length)].filter(Boolean));
  }
})();
