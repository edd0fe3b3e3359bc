// The Compare tab's side: checkpoints, figures, verdicts, and stepping through a split.
(() => {
  const { h, icon, say, saveText, ComparePage, compareParts } = window.floorseg;
  const { LETTERS, iou } = compareParts, STORE = "floorseg.verdicts", EVERY = 700; // ms between two looks at a scan
  const percent = (value) => (value === null || value === undefined ? "–" : `${(value * 100).toFixed(1)} %`);
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value), safe = /^[=+\-@\t]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (rows) => rows.map((row) => row.map(cell).join(",")).join("\n");

  Object.assign(ComparePage.prototype, {
    buildSide() {
      this.slotList = h("div.fs-slots");
      this.addButton = h("button.fs-link", { type: "button", onclick: () => this.addSlot() }, "Add a checkpoint");
      this.figures = h("div.fs-scroll");
      this.truthBox = h("input", { type: "checkbox", checked: true, onchange: () => { this.showTruth = this.truthBox.checked; this.render(); } });
      this.truthRow = h("label.fs-row.fs-small", { hidden: true }, this.truthBox, h("span", {}, "Outline the truth"));
      return h("div.fs-side", {}, h("section.fs-card.fs-first", {}, h("h3", {}, "Checkpoints"), this.slotList, this.addButton),
        h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "What they say"), h("span.fs-grow"), h("button.fs-link", { type: "button", title: "Download the figures", onclick: () => this.saveFigures() }, "CSV")), this.figures, this.truthRow),
        this.buildVerdict(), this.buildWalk());
    },

    renderSide() {
      this.renderSlots();
      this.renderFigures();
      this.renderVerdict();
      this.renderWalk();
    },

    renderSlots() {
      const many = this.slots.length > 2, known = this.facts.checkpoints;
      if (!known.length) return this.slotList.replaceChildren(h("p.fs-note", {}, this.facts.no_checkpoint));
      this.slotList.replaceChildren(...this.slots.map((name, slot) => h("div.fs-row", {}, this.letter(slot),
        h("select.fs-input", { "aria-label": `Checkpoint ${LETTERS[slot]}`, onchange: (event) => this.setSlot(slot, event.target.value) },
          known.map((c) => h("option", { value: c.name, selected: c.name === name }, `${c.label} · ${c.title}`))),
        many && h("button.fs-mini", { type: "button", "aria-label": `Remove checkpoint ${LETTERS[slot]}`, onclick: () => this.removeSlot(slot) }, icon("close")))));
      this.addButton.hidden = this.slots.length >= this.facts.most;
    },

    setSlot(index, name) {
      this.slots = this.slots.map((old, i) => (i === index ? name : old));
      this.render();
      this.askAll();
    },

    addSlot() {
      const other = this.facts.checkpoints.map((c) => c.name).find((name) => !this.slots.includes(name)) || this.slots[0];
      if (this.slots.length < this.facts.most) this.slots = [...this.slots, other];
      this.render();
      this.askAll();
    },

    removeSlot(index) {
      if (this.slots.length <= 2) return;
      this.slots = this.slots.filter((_, i) => i !== index);
      this.pair = this.pair.map((i) => Math.min(i, this.slots.length - 1));
      if (this.pair[0] === this.pair[1]) this.pair = [0, 1];
      this.render();
    },

    // ---- figures

    figureRows() {
      const truth = this.truth(), answers = this.slots.map((_, slot) => this.answerOf(slot));
      return this.slots.map((name, slot) => {
        const mine = answers[slot];
        return { name, letter: LETTERS[slot], answer: mine, truth: mine && truth ? iou(mine.mask, truth.mask) : null,
          others: answers.map((other, i) => (mine && other && i !== slot ? iou(mine.mask, other.mask) : null)) };
      });
    },

    renderFigures() {
      const rows = this.figureRows(), num = "td.fs-num", truth = this.truth();
      this.truthRow.hidden = !this.truths.length;
      if (!this.asking()) return this.figures.replaceChildren(h("p.fs-note", {}, this.plan ? "Click a room: all checkpoints answer the same click." : "Open a plan or choose an example."));
      const lines = [
        ["Own score", "the model's own estimate of its mask's IoU", (r) => percent(r.answer.score)],
        ...(this.truths.length ? [["IoU with the truth", truth ? `${truth.label} ${truth.name}` : "no annotated object under the first click", (r) => percent(r.truth)]] : []),
        ...this.slots.map((_, i) => [`IoU with ${LETTERS[i]}`, "how far the two masks agree", (r) => (r.letter === LETTERS[i] ? "" : percent(r.others[i]))]),
        ["Area, px", "pixels of the mask", (r) => r.answer.mask.area.toLocaleString("en")],
        ["Plan read in, ms", "the encoder, once a plan", (r) => Math.round(r.answer.encode_ms).toLocaleString("en")],
        ["Answered in, ms", "the decoder, every click", (r) => r.answer.ms.toFixed(0)],
        ["Memory, MB", "weights + what is kept of this plan", (r) => `${r.answer.weight_mb.toFixed(0)} + ${r.answer.plan_mb.toFixed(1)}`],
      ];
      this.figures.replaceChildren(h("table.fs-table", {}, h("thead", {}, h("tr", {}, h("th", {}, ""), rows.map((_, slot) => h("th.fs-num", {}, this.letter(slot))))),
        h("tbody", {}, lines.map(([name, title, value]) => h("tr", {}, h("td", { title }, name), rows.map((row) => h(num, {}, row.answer ? value(row) : "…")))))));
    },

    saveFigures() {
      if (!this.plan || !this.asking()) return say(this.stages, "There are no figures yet: click a room first.");
      const head = ["plan", "checkpoint", "own_score", "truth_iou", ...LETTERS.slice(0, this.slots.length).map((l) => `iou_with_${l}`), "area_px", "encode_ms", "answer_ms", "weights_mb", "plan_mb", "prompt"];
      const prompt = JSON.stringify(this.wirePrompt());
      const rows = this.figureRows().filter((r) => r.answer).map((r) => [this.plan.name, r.name, r.answer.score, r.truth, ...r.others, r.answer.mask.area, r.answer.encode_ms, r.answer.ms, r.answer.weight_mb, r.answer.plan_mb, prompt]);
      saveText("comparison.csv", csv([head, ...rows]), "text/csv");
    },

    wirePrompt() {
      const round = (n) => Math.round(n * 10) / 10;
      return { points: this.prompt.points.map((p) => [round(p.x), round(p.y), p.inside ? 1 : 0]), box: this.prompt.box && this.prompt.box.map(round) };
    },

    // ---- verdicts, kept in this browser

    buildVerdict() {
      try { this.verdicts = JSON.parse(localStorage.getItem(STORE)) || []; } catch { this.verdicts = []; }
      this.note = h("input.fs-input", { placeholder: "Note (optional)", maxlength: "500", "aria-label": "Note" });
      this.verdictButtons = [["A", "first"], ["B", "second"], ["Same", "same"]].map(([text, verdict]) => h("button.fs-chip", { type: "button", "data-verdict": verdict, onclick: () => this.judge(verdict) }, text));
      this.tally = h("div.fs-tally");
      return h("section.fs-card", {}, h("h3", {}, "Verdict"), h("div.fs-row.fs-chips", {}, ...this.verdictButtons), this.note, this.tally);
    },

    // What a verdict is about: the same question judged again replaces the old answer.
    question() {
      const [a, b] = this.pair;
      return JSON.stringify([this.sample ? this.sample.dataset : "", this.plan && this.plan.name, this.slots[a], this.slots[b], this.wirePrompt()]);
    },

    judge(verdict) {
      const [a, b] = this.pair, one = this.answerOf(a), two = this.answerOf(b), truth = this.truth();
      if (!one || !two) return say(this.stages, "Click a room first and wait for both answers.");
      const kept = { question: this.question(), time: new Date().toISOString(), dataset: this.sample ? this.sample.dataset : "", split: this.sample ? this.sample.split : "", plan: this.plan.name, a: this.slots[a], b: this.slots[b],
        verdict: verdict === "same" ? "same" : verdict === "first" ? "a" : "b", note: this.note.value.trim(), score_a: one.score, score_b: two.score, iou: iou(one.mask, two.mask),
        truth_a: truth ? iou(one.mask, truth.mask) : null, truth_b: truth ? iou(two.mask, truth.mask) : null, prompt: this.wirePrompt() };
      this.keep([...this.verdicts.filter((old) => old.question !== kept.question), kept]);
      this.note.value = "";
    },

    keep(verdicts) {
      this.verdicts = verdicts;
      try { localStorage.setItem(STORE, JSON.stringify(verdicts)); } catch { say(this.stages, "This browser keeps nothing: download the verdicts before you close the page.", { problem: true }); }
      this.renderVerdict();
    },

    renderVerdict() {
      const [a, b] = this.pair, names = [this.slots[a], this.slots[b]], ready = Boolean(this.answerOf(a) && this.answerOf(b)), question = this.plan ? this.question() : "";
      const given = this.verdicts.find((v) => v.question === question);
      const words = [`${LETTERS[a]} better`, `${LETTERS[b]} better`, "Same"], is = { first: "a", second: "b", same: "same" };
      this.verdictButtons.forEach((button, i) => {
        button.textContent = words[i];
        button.disabled = !ready;
        button.setAttribute("aria-pressed", String(Boolean(given && given.verdict === is[button.dataset.verdict])));
      });
      const mine = this.verdicts.filter((v) => names.includes(v.a) && names.includes(v.b) && v.a !== v.b);
      const won = (name) => mine.filter((v) => (v.verdict === "a" ? v.a : v.verdict === "b" ? v.b : null) === name).length;
      this.tally.replaceChildren(...(this.verdicts.length ? [
        h("p.fs-small", {}, mine.length ? `These two: ${LETTERS[a]} better ${won(names[0])}, ${LETTERS[b]} better ${won(names[1])}, same ${mine.filter((v) => v.verdict === "same").length}.` : "No verdict on these two yet.", ` ${this.verdicts.length} in all.`),
        h("div.fs-row", {}, h("button.fs-link", { type: "button", onclick: () => this.saveVerdicts("csv") }, "Download CSV"), h("button.fs-link", { type: "button", onclick: () => this.saveVerdicts("json") }, "JSON"),
          h("span.fs-grow"), h("button.fs-link", { type: "button", onclick: () => this.keep(this.verdicts.slice(0, -1)) }, "Take the last back"))]
        : [h("p.fs-note", {}, "Which mask is better here? Verdicts are kept in this browser and counted.")]));
    },

    saveVerdicts(kind) {
      const fields = ["time", "dataset", "split", "plan", "a", "b", "verdict", "note", "score_a", "score_b", "iou", "truth_a", "truth_b"];
      const rows = this.verdicts.map((v) => [...fields.map((field) => v[field]), JSON.stringify(v.prompt)]);
      if (kind === "csv") saveText("verdicts.csv", csv([[...fields, "prompt"], ...rows]), "text/csv");
      else saveText("verdicts.json", JSON.stringify(this.verdicts.map(({ question, ...v }) => v), null, 2), "application/json");
    },

    // ---- a split, sample by sample, or by disagreement

    buildWalk() {
      this.datasetMenu = h("select.fs-input", { "aria-label": "Dataset", onchange: () => this.chooseDataset() });
      this.splitMenu = h("select.fs-input.fs-short", { "aria-label": "Split", onchange: () => this.openPlace(0) });
      this.limitMenu = h("select.fs-input.fs-short", { "aria-label": "How many pictures" }, [[20, "20 plans"], [50, "50 plans"], [200, "200 plans"], [0, "all"]].map(([value, text]) => h("option", { value: String(value) }, text)));
      this.lookButton = h("button.fs-button", { type: "button", onclick: () => this.look() }, "Where do they differ most?");
      this.walk = h("div.fs-row", { hidden: true });
      this.scanBox = h("div.fs-search", { hidden: true });
      this.spots = h("div.fs-scroll.fs-spots");
      this.walkNote = h("p.fs-note");
      this.walkForm = h("div.fs-search", {}, h("div.fs-row", {}, this.datasetMenu, this.splitMenu), h("div.fs-row", {}, this.lookButton, this.limitMenu));
      return h("section.fs-card", {}, h("h3", {}, "Through a dataset"), this.walkNote, this.walkForm, this.scanBox, this.walk, this.spots);
    },

    fillDatasets() {
      const names = this.facts.datasets, chosen = this.datasetMenu.value;
      this.walkNote.textContent = this.facts.public ? "On a public page datasets on the server are not shown." : names.length ? "" : "There are no datasets under the data root. Put a folder there, or draw one in the Dataset tab.";
      this.walkForm.hidden = !names.length;
      this.walkNote.hidden = !this.walkNote.textContent;
      this.datasetMenu.replaceChildren(h("option", { value: "" }, "Choose a dataset"), ...names.map((name) => h("option", { value: name, selected: name === chosen }, name)));
    },

    async chooseDataset() {
      this.scanned = null;
      this.splitMenu.replaceChildren();
      if (!this.datasetMenu.value) return this.renderWalk();
      try {
        await this.fillSplits();
        await this.openPlace(0);
      } catch (problem) {
        this.report(problem);
      }
    },

    async fillSplits(wanted = "test") {
      const { splits } = await this.call("splits", { dataset: this.datasetMenu.value });
      const best = splits.find(([name]) => name === wanted) || splits[0];
      this.splitMenu.replaceChildren(...splits.map(([name, count]) => h("option", { value: name, selected: name === best[0] }, `${name || "all"} (${count})`)));
    },

    // The menus name the dataset that another tab opened a sample of.
    async nameDataset(dataset, split) {
      if (this.datasetMenu.value === dataset || !this.facts.datasets.includes(dataset)) return;
      this.datasetMenu.value = dataset;
      this.scanned = null;
      await this.fillSplits(split);
      this.renderWalk();
    },

    openPlace(place) {
      return this.openSample({ dataset: this.datasetMenu.value, split: this.splitMenu.value, place });
    },

    async look() {
      if (!this.datasetMenu.value) return say(this.stages, "Choose a dataset first.");
      try {
        const names = [...new Set(this.slots)];
        const { scan } = await this.call("scan", { dataset: this.datasetMenu.value, split: this.splitMenu.value, checkpoints: names, limit: Number(this.limitMenu.value) });
        this.scanned = { token: scan, dataset: this.datasetMenu.value, split: this.splitMenu.value, spots: [], at: -1, state: { state: "waiting", done: 0, total: 1 } };
        await this.follow(this.scanned);
      } catch (problem) {
        this.report(problem);
      }
    },

    async follow(scanned) {
      while (scanned === this.scanned) {
        const state = await this.call("scan_state", { scan: scanned.token });
        const here = scanned.spots[scanned.at];
        Object.assign(scanned, { state, spots: state.spots });
        if (here) scanned.at = Math.max(0, state.spots.findIndex((s) => s.row === here.row && s.point[0] === here.point[0] && s.point[1] === here.point[1]));
        this.renderWalk();
        if (["done", "stopped", "failed"].includes(state.state)) {
          if (state.state === "failed") this.report(new window.floorseg.ServerProblem({ error: state.problem }));
          else if (scanned.at < 0 && scanned.spots.length) this.openSpot(0);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, EVERY));
      }
    },

    async openSpot(at) {
      const { scanned } = this, spot = scanned && scanned.spots[at];
      if (!spot) return;
      scanned.at = at;
      const prompt = { points: [{ x: spot.point[0], y: spot.point[1], inside: true }], box: null };
      if (this.sample && this.sample.row === spot.row && this.sample.dataset === scanned.dataset) { this.past = []; this.become(this.shrunk(prompt), { remember: false }); }
      else await this.openSample({ dataset: scanned.dataset, split: scanned.split, row: spot.row }, prompt);
      this.renderWalk();
    },

    step(by) {
      if (this.scanned && this.scanned.spots.length) return this.openSpot(Math.min(this.scanned.spots.length - 1, Math.max(0, this.scanned.at + by)));
      if (this.sample) this.openSample({ dataset: this.sample.dataset, split: this.sample.split, place: (this.sample.place + by + this.sample.of) % this.sample.of });
    },

    renderWalk() {
      const { scanned, sample } = this, spot = scanned && scanned.spots[scanned.at];
      const running = scanned && ["waiting", "running"].includes(scanned.state.state);
      this.scanBox.hidden = !running;
      if (running) {
        const { done, total, seconds_left: left } = scanned.state;
        this.scanBox.replaceChildren(h("progress", { max: total, value: done }), h("div.fs-row", {}, h("span.fs-small", {}, `${done} of ${total} plans${left ? `, about ${Math.ceil(left)} s left` : ""}`), h("span.fs-grow"),
          h("button.fs-button", { type: "button", onclick: () => this.call("stop_scan", { scan: scanned.token }).catch((problem) => this.report(problem)) }, "Stop")));
      }
      this.lookButton.disabled = Boolean(running) || new Set(this.slots).size < 2;
      this.walk.hidden = !(spot || sample);
      const words = spot ? `${scanned.at + 1} of ${scanned.spots.length} · agree ${percent(spot.agreement)}${spot.label ? ` · ${spot.label}` : ""}` : sample ? `plan ${sample.place + 1} of ${sample.of}` : "";
      this.walk.replaceChildren(h("button.fs-mini", { type: "button", "aria-label": "Before", title: "Before (←)", onclick: () => this.step(-1) }, "‹"), h("span.fs-small", {}, words),
        h("button.fs-mini", { type: "button", "aria-label": "Next", title: "Next (→)", onclick: () => this.step(1) }, "›"), h("span.fs-grow"),
        ...(scanned && scanned.spots.length ? [h("button.fs-link", { type: "button", onclick: () => this.saveSpots() }, "CSV")] : []));
      this.renderSpots();
    },

    renderSpots() {
      const { scanned } = this;
      this.spots.hidden = !(scanned && scanned.spots.length);
      if (this.spots.hidden) return;
      const letters = scanned.state.checkpoints.map((name) => LETTERS[this.slots.indexOf(name)] || name);
      const known = scanned.spots.some((spot) => spot.ious.length);
      this.spots.replaceChildren(h("table.fs-table", {}, h("thead", {}, h("tr", {}, ["agree", ...(known ? letters.map((l) => `${l} true`) : []), "plan"].map((text) => h("th", { title: text === "agree" ? "lowest IoU between two checkpoints" : "" }, text)))),
        h("tbody", {}, scanned.spots.slice(0, 60).map((spot, at) => h(`tr${at === scanned.at ? ".fs-selected" : ""}`, { onclick: () => this.openSpot(at) },
          h("td.fs-num", {}, percent(spot.agreement)), known && letters.map((_, i) => h("td.fs-num", {}, percent(spot.ious[i]))), h("td", { title: spot.file }, h("button.fs-link", { type: "button" }, `${spot.file.split("/").pop().slice(0, 22)}${spot.label ? ` · ${spot.label}` : ""}`)))))));
    },

    saveSpots() {
      const { scanned } = this, names = scanned.state.checkpoints;
      const rows = scanned.spots.map((s) => [s.file, s.label, s.point[0], s.point[1], s.agreement, ...names.map((_, i) => s.ious[i])]);
      saveText("disagreement.csv", csv([["file", "class", "x", "y", "lowest_iou_between_two", ...names.map((n) => `truth_iou ${n}`)], ...rows]), "text/csv");
    },
  });

  Object.assign(window.floorseg, { percent, csv });
})();
