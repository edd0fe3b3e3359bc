// The Segment tab: a plan, prompts, accepted regions, and their history.
//
// Everything the visitor makes lives here, in the browser; the server answers prompts and writes
// files. States are never changed, only followed by new ones: that is what undo and redo walk.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h, icon, masks, say, hush } = floorseg;
  const PAST = 200;

  const colourOf = (id) => {
    const hue = (id * 137.508 + 210) % 360, l = id % 3 === 0 ? 0.42 : 0.5, a = 0.7 * Math.min(l, 1 - l);
    const part = (n) => { const k = (n + hue / 30) % 12; return Math.round(255 * (l - a * Math.max(-1, Math.min(k - 3, 9 - k, 1)))); };
    return [part(0), part(8), part(4)];
  };

  class SegmentPage {
    constructor(root, server, upload) {
      this.call = floorseg.caller(server);
      this.upload = upload;
      this.root = root;
      this.plan = null;
      this.search = null;
      this.listed = [];
      this.past = [];
      this.future = [];
      this.now = { regions: [], draft: null, scale: null, nextId: 1 };
      this.tool = "click";
      this.away = false;
      this.selected = new Set();
      this.brush = 12;
      this.build();
      this.greeted = this.greet();
      this.greeted.then(() => this.openFirst());
    }

    // ---- layout

    build() {
      this.stage = h("div.fs-stage");
      this.side = h("div.fs-side");
      this.root.append(h("div.fs-page", {}, this.buildOpen(), h("div.fs-main", {}, h("div.fs-work", {}, this.buildTools(), this.stage, this.buildStatus()), this.side)));
      this.surface = new floorseg.Surface(this.stage, {
        onTap: (p, how) => this.tap(p, how), onBox: (box) => this.box(box), onLine: (a, b) => this.line(a, b),
        onStroke: (target, mask) => this.stroke(target, mask), strokeTarget: () => this.strokeTarget(), onHover: (id) => this.hover(id),
      });
      this.stage.setAttribute("role", "application");
      this.stage.setAttribute("aria-label", "Floorplan: click a room, drag a box, ? shows the keys");
      this.empty = h("div.fs-empty.fs-over", {}, icon("open"), h("b", {}, "Open a floorplan"), h("span", {}, "Drop a picture or a PDF here, paste one, or choose an example above."));
      this.busy = h("div.fs-busy", { role: "status" });
      this.hint = h("div.fs-hint");
      this.stage.append(this.empty, this.busy, this.hint);
      this.buildSide();
      this.buildKeys();
    }

    buildStatus() {
      this.status = h("div.fs-status", { role: "status", "aria-live": "polite" });
      return this.status;
    }

    async greet() {
      try {
        this.facts = await this.call("hello");
        this.fillMenus();
        this.fillExamples();
        this.render();
      } catch (problem) {
        this.report(problem);
      }
    }

    async openFirst() {
      const first = this.facts && this.facts.examples[0];
      if (first && !this.plan && !this.opening && !this.taking) await this.openExample(first.name, null); // nobody chose it
    }

    report(problem) {
      if (!(problem instanceof floorseg.ServerProblem)) console.error(problem);
      say(this.stage, problem.message || String(problem), { problem: true });
    }

    tellStatus(text) {
      this.status.textContent = text;
    }

    // ---- history

    commit(changes) {
      this.past.push(this.now);
      if (this.past.length > PAST) this.past.shift();
      this.future = [];
      this.become({ ...this.now, ...changes });
    }

    become(state) {
      this.now = state;
      const ids = new Set(state.regions.map((region) => region.id));
      const kept = [...this.selected].filter((id) => ids.has(id));
      if (kept.length !== this.selected.size) this.selected = new Set(kept);
      this.render();
      if (state.draft && !state.draft.candidates && !state.draft.asked) this.ask(state.draft);
    }

    undo() {
      if (!this.past.length) return;
      this.future.push(this.now);
      this.become(this.past.pop());
    }

    redo() {
      if (!this.future.length) return;
      this.past.push(this.now);
      this.become(this.future.pop());
    }

    // A plan is shown with the work that belongs to it; what was there before can be taken up again.
    show({ plan, image, title, work = { past: [], future: [], now: { regions: [], draft: null, scale: null, nextId: 1 } } }) {
      const left = this.plan && this.now.regions.length ? { plan: this.plan, image: this.image, title: this.titled, work: { past: this.past, future: this.future, now: this.now } } : null;
      Object.assign(this, { plan, image, titled: title, past: work.past, future: work.future, selected: new Set(), measured: null, pendingLine: null });
      this.scaleForm.hidden = true;
      this.surface.show(image, { width: plan.width, height: plan.height });
      this.showTitle(...title);
      this.become(work.now);
      this.prepare();
      hush(this.stage);
      const many = left && left.work.now.regions.length;
      if (left) say(this.stage, `${left.plan.name} and its ${many === 1 ? "region were" : `${many} regions were`} put aside.`, { action: ["Back to it", () => this.show(left)] });
    }

    // ---- prompts

    tap(p, how) {
      if (this.tool === "select") return this.selectAt(p, how.add);
      if (this.tool === "scale" || this.tool === "split") return this.linePoint(p);
      if (this.tool !== "click") return;
      const inside = !(how.away !== this.away);
      const before = this.now.draft, points = before && !before.byHand ? before.points : [];
      this.prompt({ points: [...points, { x: p.x, y: p.y, inside }], box: before && !before.byHand ? before.box : null });
    }

    box(box) {
      if (box[2] - box[0] < 2 || box[3] - box[1] < 2) return;
      this.prompt({ points: [], box });
    }

    prompt({ points, box }) {
      const draft = { points, box, candidates: null, shown: this.draftMask(), chosen: 0, checkpoint: this.checkpoint };
      this.commit({ draft });
    }

    async ask(draft) {
      draft.asked = true;
      const sent = performance.now();
      const round = (n) => Math.round(n * 10) / 10;
      const payload = { plan: this.plan.token, checkpoint: this.checkpoint,
        points: draft.points.map((p) => [round(p.x), round(p.y), p.inside ? 1 : 0]), box: draft.box && draft.box.map(round) };
      try {
        const answer = await this.withPlan(payload, "segment");
        const got = answer.candidates.map((wire) => ({ mask: masks.fromWire(wire), score: wire.score }));
        draft.answered = { ...draft, candidates: got, shown: null, checkpoint: payload.checkpoint };
        if (this.now.draft !== draft) return;
        this.now = { ...this.now, draft: draft.answered };
        this.renderDraft();
        const took = Math.round(performance.now() - sent);
        this.tellStatus(`${this.modelLine()} · answered in ${took} ms (model ${Math.round(answer.ms)} ms)`);
        requestAnimationFrame(() => this.root.dispatchEvent(new CustomEvent("floorseg:painted", { bubbles: true, detail: { took } })));
      } catch (problem) {
        draft.asked = false;
        if (this.now.draft === draft) this.undo();
        this.future = [];
        this.report(problem);
      }
    }

    // The server may have forgotten the plan: then it gets it once more.
    async withPlan(payload, name) {
      try {
        return await this.call(name, payload);
      } catch (problem) {
        if (problem.kind !== "PlanGone" || !this.plan.again) throw problem;
        await this.plan.again();
        return this.call(name, { ...payload, plan: this.plan.token });
      }
    }

    draftMask() {
      const draft = this.now.draft;
      if (!draft) return null;
      return draft.candidates ? (draft.candidates[draft.chosen] || {}).mask || null : draft.shown;
    }

    choose(index) {
      const draft = this.now.draft;
      if (draft && draft.candidates && draft.candidates[index] && index !== draft.chosen) this.commit({ draft: { ...draft, chosen: index } });
    }

    accept() {
      const draft = this.now.draft, mask = this.draftMask();
      if (!draft || !mask || !mask.area) return;
      const chosen = draft.candidates[draft.chosen];
      const region = this.newRegion(mask, { score: chosen.score, checkpoint: draft.checkpoint, edited: Boolean(draft.byHand) });
      this.commit({ regions: [...this.now.regions, region], draft: null, nextId: region.id + 1 });
    }

    newRegion(mask, { score = null, checkpoint = null, edited = false, cls = null, id = this.now.nextId, name = null }) {
      const kind = cls || this.currentClass || "room";
      const label = name || `${kind[0].toUpperCase()}${kind.slice(1)} ${id}`;
      return { id, name: label, cls: kind, mask, score, checkpoint, edited, visible: true, colour: colourOf(id), anchor: null };
    }

    clearDraft() {
      this.pendingLine = null;
      if (this.now.draft) this.commit({ draft: null });
      else if (this.selected.size) { this.selected = new Set(); this.render(); }
      else this.render();
    }

    // ---- everything that shows

    render() {
      const { regions, scale } = this.now;
      this.empty.hidden = Boolean(this.plan);
      this.surface.set({ regions, selected: this.selected, tool: this.tool, brush: this.brush });
      this.renderDraft();
      const listed = [regions, scale, this.selected];
      if (listed.some((part, i) => part !== this.listed[i])) { // a click alone leaves two hundred rows alone
        this.listed = listed;
        this.renderTable();
        this.renderTotals(scale);
      }
      this.renderTools();
    }

    renderDraft() {
      const draft = this.now.draft;
      this.surface.set({ draft: this.draftMask(), points: draft ? draft.points : [], box: draft ? draft.box : null,
        line: this.pendingLine ? [this.pendingLine, null] : this.tool === "scale" && this.now.scale ? this.now.scale.line || null : null });
      this.renderCandidates(draft);
      this.renderHint();
    }
  }

  floorseg.SegmentPage = SegmentPage;
  floorseg.mountSegment = (element, server, upload) => {
    const root = element.querySelector(".fs-root");
    if (root && !root.firstChild) root.page = new SegmentPage(root, server, upload);
  };
})();
