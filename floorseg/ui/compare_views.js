// The Compare tab's stages: side by side, a slider between two, and what only one of two found.
(() => {
  const { h, icon, masks, css, ComparePage, compareParts } = window.floorseg;
  const { LETTERS, COLOURS } = compareParts, BOTH = [100, 116, 139], TRUE = [190, 24, 93];
  const VIEWS = [["side", "Side by side"], ["slider", "Slider"], ["difference", "Difference"]];

  Object.assign(ComparePage.prototype, {
    buildBar() {
      const tool = (name, title, onclick) => h("button.fs-tool", { type: "button", title, "aria-label": title, onclick }, icon(name));
      this.signs = [["plus", "Clicks belong to the room", false], ["minus", "Clicks do not belong (also: right click)", true]].map(([name, title, away]) => {
        const button = tool(name, title, () => { this.away = away; this.render(); });
        button.away = away;
        return button;
      });
      this.viewButtons = VIEWS.map(([view, text]) => h("button.fs-chip", { type: "button", "data-view": view, onclick: () => this.turnTo(view) }, text));
      this.pairMenus = [0, 1].map((side) => h("select.fs-input.fs-short", { "aria-label": side ? "Second of the two" : "First of the two", onchange: (event) => this.setPair(side, Number(event.target.value)) }));
      this.pairRow = h("span.fs-row", { hidden: true }, ...this.pairMenus);
      return h("div.fs-tools", {}, ...this.signs, tool("undo", "Undo the last click (Ctrl+Z)", () => this.undo()), tool("trash", "Remove all clicks (Esc)", () => this.clear()),
        tool("fit", "Whole plan (F)", () => this.front().fit()), h("span.fs-gap"), this.pairRow, h("span.fs-row.fs-views", { role: "group", "aria-label": "View" }, ...this.viewButtons));
    },

    buildViews() {
      const options = (group) => ({ group, keepView: false, onTap: (p, how) => this.tap(p, how), onBox: (box) => this.drawn(box) });
      this.panels = LETTERS.map((letter) => {
        const stage = h("div.fs-stage", { role: "application", "aria-label": `Plan with the answer of checkpoint ${letter}` }), busy = h("div.fs-busy", { role: "status" });
        const surface = new window.floorseg.Surface(stage, options("compare-side")), head = h("div.fs-panelhead");
        stage.append(busy);
        return { letter, stage, surface, busy, head, box: h("div.fs-panel", { hidden: true }, head, stage) };
      });
      this.sideHost = h("div.fs-panels", {}, ...this.panels.map((panel) => panel.box));
      this.buildPair(options("compare-pair"));
      this.stages = h("div.fs-stages", {}, this.sideHost, this.pairHost);
      return this.stages;
    },

    buildPair(options) {
      const [lower, upper] = [0, 1].map(() => h("div.fs-layer"));
      this.pairHost = h("div.fs-stage.fs-pair", { hidden: true, role: "application", "aria-label": "Plan with the answers of two checkpoints" }, lower, upper);
      this.lower = new window.floorseg.Surface(lower, options);
      this.upper = new window.floorseg.Surface(upper, options);
      this.handle = h("div.fs-handle.fs-over", { role: "slider", tabindex: "0", "aria-label": "Border between the two", "aria-valuemin": "0", "aria-valuemax": "100" });
      this.legend = h("div.fs-hint.fs-legend");
      this.pairBusy = h("div.fs-busy", { role: "status" });
      this.pairHost.append(this.handle, this.legend, this.pairBusy);
      this.split = 50;
      this.handle.addEventListener("pointerdown", (event) => { event.preventDefault(); event.stopPropagation(); this.handle.focus(); this.handle.setPointerCapture(event.pointerId); this.sliding = true; });
      this.handle.addEventListener("pointermove", (event) => { if (this.sliding) this.slide(((event.clientX - this.pairHost.getBoundingClientRect().left) / this.pairHost.clientWidth) * 100); });
      for (const end of ["pointerup", "pointercancel"]) this.handle.addEventListener(end, () => { this.sliding = false; });
      this.handle.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
        if (step) { event.preventDefault(); event.stopPropagation(); this.slide(this.split + step); }
      });
    },

    slide(percent) {
      this.split = Math.min(100, Math.max(0, percent));
      this.handle.style.left = `${this.split}%`;
      this.handle.setAttribute("aria-valuenow", String(Math.round(this.split)));
      this.upper.host.style.clipPath = this.view === "slider" ? `inset(0 ${100 - this.split}% 0 0)` : "";
    },

    buildKeys() {
      this.page.addEventListener("keydown", (event) => {
        if (event.target.closest("input, select, textarea")) return;
        const ctrl = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
        const act = ctrl ? key === "z" && (() => this.undo())
          : { escape: () => this.clear(), f: () => this.front().fit(), arrowright: () => this.step(1), arrowleft: () => this.step(-1) }[key];
        if (key === " ") { this.hold(true); event.preventDefault(); }
        if (!act) return;
        event.preventDefault();
        act();
      });
      this.page.addEventListener("keyup", (event) => { if (event.key === " ") this.hold(false); });
    },

    hold(on) {
      for (const surface of this.surfaces()) surface.spaceHeld = on;
    },

    surfaces() {
      return [...this.panels.map((panel) => panel.surface), this.lower, this.upper];
    },

    front() {
      return this.view === "side" ? this.panels[0].surface : this.lower;
    },

    showPlan(image) {
      this.image = image;
      const size = { width: this.plan.width, height: this.plan.height };
      for (const surface of [this.lower, this.upper]) surface.show(image, size);
      this.panels.forEach((panel, i) => { if (i < this.slots.length) panel.surface.show(image, size); panel.shown = i < this.slots.length ? this.plan.serial : 0; });
    },

    turnTo(view) {
      const before = this.front();
      this.view = view;
      this.render();
      const now = this.front();
      if (before === now || !before.size || before.fitted) return;
      requestAnimationFrame(() => this.carry(before, now));
    },

    // The same part of the plan in a stage of another size.
    carry(from, to) {
      to.resize();
      const middle = from.toPlan({ x: from.width / 2, y: from.height / 2 }), by = Math.min(to.width / from.width, to.height / from.height);
      const scale = from.view.scale * by;
      to.move({ scale, x: to.width / 2 - middle.x * scale, y: to.height / 2 - middle.y * scale });
    },

    // Near enough to see what a prompt is about, where that is small on its plan.
    approach() {
      const { box } = this.prompt, truth = this.truth(), view = this.front();
      const part = truth ? truth.mask : box && { x: box[0], y: box[1], w: box[2] - box[0], h: box[3] - box[1] };
      if (!part || !view.size || !view.width) return;
      const scale = Math.min(view.width / (3 * part.w), view.height / (3 * part.h), 8);
      if (scale > view.view.scale * 1.3) view.move({ scale, x: view.width / 2 - (part.x + part.w / 2) * scale, y: view.height / 2 - (part.y + part.h / 2) * scale });
    },

    setPair(side, slot) {
      const other = this.pair[1 - side] === slot ? this.pair[side] : this.pair[1 - side];
      this.pair = side ? [other, slot] : [slot, other];
      this.render();
    },

    // ---- drawing what is known

    renderViews() {
      for (const button of this.viewButtons) button.setAttribute("aria-pressed", String(button.dataset.view === this.view));
      for (const button of this.signs) { button.setAttribute("aria-pressed", String(button.away === this.away)); button.classList.toggle("fs-away", button.away && this.away); }
      this.pairRow.hidden = this.view === "side" || this.slots.length < 3;
      this.pairMenus.forEach((menu, side) => menu.replaceChildren(...this.slots.map((_, i) => h("option", { value: String(i), selected: this.pair[side] === i }, LETTERS[i]))));
      this.sideHost.hidden = this.view !== "side";
      this.pairHost.hidden = this.view === "side";
      this.sideHost.dataset.count = String(this.slots.length);
      this.panels.forEach((panel, slot) => this.renderPanel(panel, slot));
      this.renderPair();
    },

    truthRegions() {
      const truth = this.showTruth && this.truth();
      return truth ? [{ id: "truth", name: "", mask: truth.mask, colour: TRUE, alpha: 0, visible: true }] : [];
    },

    renderPanel(panel, slot) {
      panel.box.hidden = slot >= this.slots.length;
      if (panel.box.hidden) return panel.surface.clear();
      if (this.plan && this.image && panel.shown !== this.plan.serial) {
        panel.surface.show(this.image, { width: this.plan.width, height: this.plan.height });
        panel.shown = this.plan.serial;
      }
      const answer = this.answerOf(slot);
      panel.busy.textContent = this.busyWord(slot);
      panel.head.replaceChildren(this.letter(slot), h("b", { title: this.slots[slot] }, this.slots[slot] || "no checkpoint"), h("span.fs-small", {}, answer ? `says ${(answer.score * 100).toFixed(0)} %` : ""));
      panel.surface.set({ draft: answer ? answer.mask : null, accent: COLOURS[slot], points: this.prompt.points, box: this.prompt.box, regions: this.truthRegions() });
    },

    letter(slot) {
      return h("span.fs-letter", { style: `background:${css(COLOURS[slot])}` }, LETTERS[slot]);
    },

    busyWord(slot) {
      if (!this.plan || !this.asking()) return "";
      const key = this.key(this.slots[slot]);
      if (this.problems.has(key)) return this.problems.get(key);
      return this.pending.has(key) ? "thinking …" : "";
    },

    renderPair() {
      if (this.view === "side") return;
      const [a, b] = this.pair, prompts = { points: this.prompt.points, box: this.prompt.box }, answers = [this.answerOf(a), this.answerOf(b)];
      this.pairBusy.textContent = this.busyWord(a) || this.busyWord(b);
      const sliding = this.view === "slider";
      this.handle.hidden = !sliding;
      this.upper.host.hidden = !sliding;
      this.slide(this.split);
      if (sliding) {
        [[this.upper, a, 0], [this.lower, b, 1]].forEach(([surface, slot, i]) =>
          surface.set({ ...prompts, draft: answers[i] ? answers[i].mask : null, accent: COLOURS[slot], regions: this.truthRegions() }));
        return this.legend.replaceChildren(...[a, b].flatMap((slot, i) => [h("span", {}, i ? "right: " : "left: ", this.letter(slot), ` ${this.slots[slot]}`)]));
      }
      const parts = answers[0] && answers[1] ? this.difference(answers[0].mask, answers[1].mask) : [];
      const paint = [COLOURS[a], COLOURS[b], BOTH], said = [`only ${LETTERS[a]}`, `only ${LETTERS[b]}`, "both"];
      const regions = parts.map((mask, i) => ({ id: `part${i}`, name: "", mask, colour: paint[i], alpha: 0.6, visible: mask.area > 0 }));
      this.lower.set({ ...prompts, draft: null, accent: BOTH, regions: [...regions, ...this.truthRegions()] });
      const truth = this.truthRegions().length ? [h("span", {}, h("i.fs-key.fs-outline"), "truth")] : [];
      this.legend.replaceChildren(...said.map((text, i) => h("span", {}, h("i.fs-key", { style: `background:${css(paint[i])}` }), `${text}${parts[i] ? ` ${parts[i].area.toLocaleString("en")} px` : ""}`)), ...truth);
    },

    // Only A, only B, both; kept as long as the two masks are the same.
    difference(a, b) {
      if (this.parted && this.parted.a === a && this.parted.b === b) return this.parted.parts;
      const box = masks.around(a, b), one = masks.bits(a, box), two = masks.bits(b, box);
      const part = (want) => masks.fromBits(one.map((bit, p) => (want(bit, two[p]) ? 1 : 0)), box);
      const parts = box.w ? [part((x, y) => x && !y), part((x, y) => !x && y), part((x, y) => x && y)] : [masks.EMPTY, masks.EMPTY, masks.EMPTY];
      this.parted = { a, b, parts };
      return parts;
    },
  });
})();
