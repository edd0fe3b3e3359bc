// The Segment tab: a plan, prompts, accepted regions, and their history.
//
// Everything the visitor makes lives here, in the browser; the server answers prompts and writes
// files. States are never changed, only followed by new ones: that is what undo and redo walk.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h, icon, masks, say } = floorseg;
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
      if (first && !this.plan && !this.opening && !this.taking) await this.openExample(first.name);
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

    forgetAll() {
      this.past = [];
      this.future = [];
      this.selected = new Set();
      this.become({ regions: [], draft: null, scale: null, nextId: 1 });
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

    // ---- regions

    selectAt(p, add) {
      const hits = this.now.regions.filter((region) => region.visible && masks.contains(region.mask, p.x, p.y));
      const hit = hits.sort((a, b) => a.mask.area - b.mask.area)[0];
      this.select(hit ? hit.id : null, add);
    }

    select(id, add = false) {
      const next = new Set(add ? this.selected : []);
      if (id !== null) { if (add && next.has(id)) next.delete(id); else next.add(id); }
      this.selected = next;
      this.render();
    }

    hover(id) {
      this.surface.set({ hovered: id });
      this.markRow(id);
    }

    change(id, changes) {
      const region = this.now.regions.find((r) => r.id === id);
      if (!region || Object.keys(changes).every((key) => region[key] === changes[key])) return;
      this.commit({ regions: this.now.regions.map((r) => (r.id === id ? { ...r, ...changes } : r)) });
    }

    remove(ids) {
      const gone = new Set(ids);
      if (gone.size) this.commit({ regions: this.now.regions.filter((region) => !gone.has(region.id)) });
    }

    removeSomething() {
      if (this.selected.size) return this.remove(this.selected);
      const hovered = this.surface.state.hovered;
      if (hovered !== null) return this.remove([hovered]);
      say(this.stage, "Select regions first: in the table, or with the select tool.");
    }

    merge() {
      const chosen = this.now.regions.filter((region) => this.selected.has(region.id));
      if (chosen.length < 2) return say(this.stage, "Select two or more regions to merge: Ctrl-click their rows, or Shift-click with the select tool.");
      const merged = { ...chosen[0], mask: masks.union(...chosen.map((region) => region.mask)), edited: true, anchor: null };
      const gone = new Set(chosen.slice(1).map((region) => region.id));
      this.commit({ regions: this.now.regions.filter((r) => !gone.has(r.id)).map((r) => (r.id === merged.id ? merged : r)) });
    }

    // ---- by hand

    strokeTarget() {
      const mask = this.draftMask();
      if (mask) return { kind: "draft", mask, colour: [79, 70, 229] };
      const chosen = this.now.regions.filter((region) => this.selected.has(region.id));
      if (chosen.length === 1) return { kind: "region", id: chosen[0].id, mask: chosen[0].mask, colour: chosen[0].colour };
      if (this.tool === "brush") return { kind: "new", mask: masks.EMPTY, colour: [79, 70, 229] };
      say(this.stage, "Select the region to erase from: click its row, or use the select tool.");
      return null;
    }

    stroke(target, mask) {
      if (target.kind === "region") {
        if (!mask.area) return this.remove([target.id]);
        return this.commit({ regions: this.now.regions.map((r) => (r.id === target.id ? { ...r, mask, edited: true, anchor: null } : r)) });
      }
      if (!mask.area) return this.clearDraft();
      const before = this.now.draft;
      const score = before && before.candidates ? before.candidates[before.chosen].score : null;
      const checkpoint = before && before.candidates ? before.checkpoint : null;
      this.commit({ draft: { points: [], box: null, candidates: [{ mask, score }], chosen: 0, byHand: true, checkpoint } });
    }

    linePoint(p) {
      if (!this.pendingLine) { this.pendingLine = p; this.render(); return; }
      const from = this.pendingLine;
      this.pendingLine = null;
      this.line(from, p);
    }

    line(a, b) {
      this.pendingLine = null;
      if (this.tool === "split") this.split(a, b);
      else if (this.tool === "scale") this.measure(a, b);
      this.render();
    }

    split(a, b) {
      const candidates = this.selected.size ? this.now.regions.filter((region) => this.selected.has(region.id))
        : this.now.regions.filter((region) => region.visible && crosses(region.mask, a, b));
      const cut = candidates.map((region) => [region, masks.split(region.mask, a, b)]).filter(([, parts]) => parts);
      if (!cut.length) return say(this.stage, "The line parts no region: draw it from edge to edge of one.");
      let id = this.now.nextId;
      const parts = new Map(cut);
      const regions = this.now.regions.flatMap((region) => {
        if (!parts.get(region)) return [region];
        const [first, second] = parts.get(region);
        return [{ ...region, mask: first, edited: true, anchor: null },
          { ...this.newRegion(second, { ...region, id: id++, name: null }), edited: true }];
      });
      this.commit({ regions, nextId: id });
    }

    // ---- all rooms

    async findAll() {
      if (this.search || !this.plan) return;
      const plan = this.plan, preset = this.presetMenu.value, checkpoint = this.checkpoint;
      try {
        const begun = await this.withPlan({ plan: plan.token, checkpoint, preset }, "start_search");
        this.search = begun.search;
        this.renderSearch({ state: "waiting", done: 0, total: 1 });
        for (;;) {
          const state = await this.call("search_state", { search: this.search });
          if (plan.token !== this.plan.token) return;
          this.renderSearch(state);
          if (state.state === "done") { this.takeFound(state, checkpoint, preset); break; }
          if (state.state === "stopped") { say(this.stage, "Stopped; nothing was changed."); break; }
          if (state.state === "failed") throw new floorseg.ServerProblem({ error: state.problem });
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      } catch (problem) {
        this.report(problem);
      } finally {
        this.search = null;
        this.renderSearch(null);
      }
    }

    async stopSearch() {
      if (this.search) await this.call("stop_search", { search: this.search }).catch((problem) => this.report(problem));
    }

    takeFound(state, checkpoint, preset) {
      let id = this.now.nextId;
      const kept = this.now.regions, cls = preset === "rooms" ? "room" : "region";
      const fresh = state.regions.map((wire) => ({ mask: masks.fromWire(wire), score: wire.score }))
        .filter((found) => !kept.some((region) => masks.overlap(found.mask, region.mask) > 0.5 * found.mask.area))
        .map((found) => this.newRegion(found.mask, { score: found.score, checkpoint, cls, id: id++ }));
      this.commit({ regions: [...kept, ...fresh], draft: null, nextId: id });
      const also = kept.length ? `; your ${kept.length} stay` : "";
      say(this.stage, fresh.length ? `${fresh.length} regions found in ${state.seconds.toFixed(1)} s${also}.` : `Nothing new was found${also}.`);
    }

    // ---- everything that shows

    render() {
      const { regions, scale } = this.now;
      this.empty.hidden = Boolean(this.plan);
      this.surface.set({ regions, selected: this.selected, tool: this.tool, brush: this.brush });
      this.renderDraft();
      this.renderTable();
      this.renderTotals(scale);
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

  const crosses = (mask, a, b) => {
    for (let i = 0; i <= 100; i++)
      if (masks.contains(mask, a.x + ((b.x - a.x) * i) / 100, a.y + ((b.y - a.y) * i) / 100)) return true;
    return false;
  };

  floorseg.SegmentPage = SegmentPage;
  floorseg.mountSegment = (element, server, upload) => {
    const root = element.querySelector(".fs-root");
    if (root && !root.firstChild) root.page = new SegmentPage(root, server, upload);
  };
})();
