// The Segment tab's right side: model, all rooms, the table of regions, scale and totals.
(() => {
  const { h, icon, css, masks, say, SegmentPage } = window.floorseg;
  const number = new Intl.NumberFormat("en-US");
  const UNITS = { m: 1, cm: 0.01, ft: 0.3048 };

  const outline = new WeakMap();
  const perimeterOf = (mask) => {
    if (!outline.has(mask)) outline.set(mask, masks.perimeter(mask));
    return outline.get(mask);
  };

  Object.assign(SegmentPage.prototype, {
    buildSide() {
      this.side.append(this.buildModel(), this.buildCandidates(), this.buildTable(), this.buildScale(), this.buildFiles());
    },

    // ---- model and all rooms

    buildModel() {
      this.modelMenu = h("select.fs-input", { "aria-label": "Checkpoint", onchange: () => this.changeModel() });
      this.presetMenu = h("select.fs-input", { "aria-label": "What to look for", onchange: () => this.describePreset() });
      this.presetNote = h("p.fs-note");
      this.allButton = h("button.fs-button.fs-primary", { type: "button", onclick: () => this.findAll(), title: "Find every region of the plan (A)" }, icon("rooms"), h("span", {}, "All rooms"));
      this.bar = h("progress", { max: 1, value: 0, "aria-label": "Progress of the search" });
      this.left = h("span.fs-small");
      this.searchBox = h("div.fs-search", { hidden: true }, this.bar, h("div.fs-row", {}, this.left, h("span.fs-grow"),
        this.stopButton = h("button.fs-button", { type: "button", onclick: () => this.stopSearch() }, "Stop")));
      return h("section.fs-card", {}, h("label.fs-field", {}, h("span", {}, "Model"), this.modelMenu),
        h("div.fs-row", {}, this.allButton, h("span.fs-grow"), this.presetMenu), this.presetNote, this.searchBox);
    },

    fillMenus() {
      const { checkpoints, presets, classes } = this.facts;
      this.modelMenu.replaceChildren(...checkpoints.map((c) => h("option", { value: c.name }, c.label)));
      if (!checkpoints.length) this.modelMenu.append(h("option", { value: "" }, "no checkpoint found"));
      this.checkpoint = this.modelMenu.value;
      this.presetMenu.replaceChildren(...presets.map((p) => h("option", { value: p.name }, p.name)));
      this.root.append(h("datalist", { id: "fs-classes" }, classes.map((name) => h("option", { value: name }))));
      this.describePreset();
      this.tellStatus(this.modelLine());
      this.fillDatasets();
      if (!checkpoints.length) say(this.stage, this.facts.no_checkpoint, { problem: true });
    },

    describePreset() {
      const preset = this.facts.presets.find((p) => p.name === this.presetMenu.value);
      this.presetNote.textContent = preset ? preset.summary : "";
      this.allButton.lastChild.textContent = preset && preset.name !== "rooms" ? `All ${preset.name}` : "All rooms";
    },

    modelLine() {
      const model = this.facts.checkpoints.find((c) => c.name === this.checkpoint);
      return model ? `${model.title} · ${this.facts.device}` : "no model";
    },

    changeModel() {
      this.checkpoint = this.modelMenu.value;
      this.prepare();
      const draft = this.now.draft;
      if (draft && !draft.byHand) this.commit({ draft: { points: draft.points, box: draft.box, candidates: null, shown: null, chosen: 0, checkpoint: this.checkpoint } });
    },

    async prepare() {
      if (!this.plan || !this.checkpoint) return;
      const plan = this.plan;
      this.tellStatus(`${this.modelLine()} · reading the plan …`);
      try {
        const { seconds } = await this.withPlan({ plan: plan.token, checkpoint: this.checkpoint }, "prepare");
        if (this.plan === plan) this.tellStatus(`${this.modelLine()} · plan read in ${seconds.toFixed(2)} s`);
      } catch (problem) {
        this.report(problem);
      }
    },

    renderSearch(state) {
      this.searchBox.hidden = !state;
      this.allButton.disabled = Boolean(state);
      this.stopButton.disabled = Boolean(state) && this.stopping === this.search;
      if (!state) return;
      this.bar.max = Math.max(1, state.total);
      this.bar.value = state.done;
      const left = state.seconds_left;
      this.left.textContent = this.stopping === this.search ? "stopping …" : state.state === "waiting" ? "waiting for its turn …"
        : left === null || left === undefined ? "looking …" : `about ${Math.max(1, Math.ceil(left))} s left`;
    },

    // ---- table

    buildTable() {
      this.rows = new Map();
      this.body = h("tbody");
      this.count = h("span.fs-small");
      this.noRows = h("p.fs-note", {}, "None yet. Click a room and press Enter, or let “All rooms” find them.");
      this.areaHead = h("th.fs-num", {}, "Area");
      const head = h("tr", {}, h("th"), h("th", {}, "Name"), h("th", {}, "Class"), this.areaHead, h("th.fs-num.fs-wide", {}, "Outline"), h("th.fs-num.fs-wide", {}, "Score"), h("th"));
      this.table = h("table.fs-table", {}, h("thead", {}, head), this.body);
      return h("section.fs-card.fs-grow", {}, h("div.fs-row", {}, h("h3", {}, "Regions"), this.count, h("span.fs-grow"),
        this.clearAll = h("button.fs-link", { type: "button", onclick: () => this.remove(this.now.regions.map((r) => r.id)) }, "Remove all")),
      this.noRows, h("div.fs-scroll", {}, this.table));
    },

    renderTable() {
      const { regions, scale } = this.now, seen = new Set();
      regions.forEach((region, place) => {
        seen.add(region.id);
        let row = this.rows.get(region.id);
        if (!row) this.rows.set(region.id, (row = this.newRow(region.id)));
        if (row.region !== region || row.scale !== scale) this.fillRow(row, region, scale);
        row.element.classList.toggle("fs-selected", this.selected.has(region.id));
        if (this.body.children[place] !== row.element) this.body.insertBefore(row.element, this.body.children[place] || null);
      });
      for (const [id, row] of this.rows) if (!seen.has(id)) { row.element.remove(); this.rows.delete(id); }
      this.count.textContent = regions.length ? String(regions.length) : "";
      this.noRows.hidden = regions.length > 0;
      this.table.hidden = this.clearAll.hidden = !regions.length;
      this.areaHead.textContent = scale ? "m²" : "px";
    },

    newRow(id) {
      const row = { id };
      row.swatch = h("button.fs-swatch", { type: "button", onclick: (event) => this.select(id, event.ctrlKey || event.metaKey || event.shiftKey), title: "Select (Ctrl adds)" });
      const field = (key, label, list) => h("input.fs-cell", { "aria-label": label, list, maxLength: 80,
        onchange: (event) => this.change(id, { [key]: event.target.value.trim() || row.region[key] }),
        onkeydown: (event) => { if (event.key === "Enter") event.target.blur(); } });
      row.name = field("name", "Name");
      row.cls = field("cls", "Class", "fs-classes");
      row.area = h("td.fs-num");
      row.round = h("td.fs-num.fs-wide");
      row.score = h("td.fs-num.fs-wide");
      row.eye = h("button.fs-mini", { type: "button", onclick: () => this.change(id, { visible: !row.region.visible }) });
      const gone = h("button.fs-mini", { type: "button", title: "Delete", "aria-label": "Delete", onclick: () => this.remove([id]) }, icon("trash"));
      row.element = h("tr", { onpointerenter: () => this.hover(id), onpointerleave: () => this.hover(null),
        onclick: (event) => { if (!event.target.closest("button, input")) this.select(id, event.ctrlKey || event.metaKey || event.shiftKey); } },
      h("td", {}, row.swatch), h("td", {}, row.name), h("td", {}, row.cls), row.area, row.round, row.score, h("td.fs-acts", {}, row.eye, gone));
      row.element.dataset.region = String(id);
      return row;
    },

    fillRow(row, region, scale) {
      Object.assign(row, { region, scale });
      row.swatch.style.background = css(region.colour);
      row.swatch.setAttribute("aria-label", `Select ${region.name}`);
      row.name.value = region.name;
      row.cls.value = region.cls;
      const per = scale && scale.perMetre, round = perimeterOf(region.mask);
      row.area.textContent = per ? (region.mask.area / per ** 2).toFixed(2) : number.format(region.mask.area);
      row.area.title = `${number.format(region.mask.area)} px`;
      row.round.textContent = per ? `${(round / per).toFixed(2)} m` : number.format(Math.round(round));
      row.score.textContent = region.score === null ? "–" : `${Math.round(region.score * 100)} %`;
      row.score.title = region.edited ? "corrected by hand" : region.checkpoint || "";
      if (region.edited) row.score.append(" ✎");
      row.eye.replaceChildren(icon(region.visible ? "eye" : "hidden"));
      row.eye.title = region.visible ? "Hide" : "Show";
      row.eye.setAttribute("aria-label", row.eye.title);
      row.element.classList.toggle("fs-dim", !region.visible);
    },

    markRow(id) {
      if (this.marked) this.marked.classList.remove("fs-hover");
      const row = this.rows.get(id);
      this.marked = row ? row.element : null;
      if (this.marked) this.marked.classList.add("fs-hover");
    },

    // ---- scale and totals

    buildScale() {
      this.length = h("input.fs-input.fs-short", { type: "number", min: "0", step: "any", placeholder: "length", "aria-label": "Known length" });
      this.unit = h("select.fs-input.fs-short", { "aria-label": "Unit" }, Object.keys(UNITS).map((unit) => h("option", { value: unit }, unit)));
      const set = () => this.setLength();
      this.scaleForm = h("div.fs-row", { hidden: true }, h("span.fs-small", {}, "This line is"), this.length, this.unit, h("button.fs-button.fs-primary", { type: "button", onclick: set }, "Set"));
      this.length.addEventListener("keydown", (event) => { if (event.key === "Enter") set(); });
      this.scaleNote = h("span.fs-small");
      this.totals = h("dl.fs-totals");
      return h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Scale and areas"), h("span.fs-grow"),
        h("button.fs-link", { type: "button", onclick: () => this.useTool("scale") }, "Set the scale")), this.scaleForm, this.scaleNote, this.totals);
    },

    measure(a, b) {
      const pixels = Math.hypot(b.x - a.x, b.y - a.y);
      if (pixels < 4) return say(this.stage, "The two ends are too close together; take a longer line.");
      this.measured = { line: [a, b], pixels };
      this.commit({ scale: { ...(this.now.scale || { perMetre: null }), line: [a, b] } });
      this.scaleForm.hidden = false;
      this.length.focus();
      return null;
    },

    setLength() {
      const metres = Number(this.length.value) * UNITS[this.unit.value];
      if (!(metres > 0) || !this.measured) return say(this.stage, "Type the length of the line as a number greater than 0.");
      this.commit({ scale: { line: this.measured.line, perMetre: this.measured.pixels / metres } });
      this.scaleForm.hidden = true;
      this.useTool("click");
      this.stage.focus();
      return null;
    },

    renderTotals(scale) {
      const per = scale && scale.perMetre, sums = new Map();
      for (const region of this.now.regions) sums.set(region.cls, (sums.get(region.cls) || 0) + region.mask.area);
      const shown = (area) => (per ? `${(area / per ** 2).toFixed(2)} m²` : `${number.format(area)} px`);
      this.scaleNote.textContent = per ? `1 m = ${per.toFixed(1)} px` : "Areas are in pixels until the scale is set.";
      const lines = [...sums].sort((a, b) => b[1] - a[1]);
      const total = lines.reduce((sum, [, area]) => sum + area, 0);
      this.totals.replaceChildren(...(total ? [["Total", total], ...lines] : []).map(([name, area]) => h("div", {}, h("dt", {}, name), h("dd", {}, shown(area)))));
    },
  });
})();
