// The Segment tab's regions: chosen, changed, merged, split and painted by hand, and found all at once.
(() => {
  const { masks, say, SegmentPage, ServerProblem } = window.floorseg;

  const crosses = (mask, a, b) => {
    for (let i = 0; i <= 100; i++)
      if (masks.contains(mask, a.x + ((b.x - a.x) * i) / 100, a.y + ((b.y - a.y) * i) / 100)) return true;
    return false;
  };

  Object.assign(SegmentPage.prototype, {
    // ---- regions

    selectAt(p, add) {
      const hits = this.now.regions.filter((region) => region.visible && masks.contains(region.mask, p.x, p.y));
      const hit = hits.sort((a, b) => a.mask.area - b.mask.area)[0];
      this.select(hit ? hit.id : null, add);
    },

    select(id, add = false) {
      const next = new Set(add ? this.selected : []);
      if (id !== null) { if (add && next.has(id)) next.delete(id); else next.add(id); }
      this.selected = next;
      this.render();
    },

    hover(id) {
      this.surface.set({ hovered: id });
      this.markRow(id);
    },

    change(id, changes) {
      const region = this.now.regions.find((r) => r.id === id);
      if (!region || Object.keys(changes).every((key) => region[key] === changes[key])) return;
      this.commit({ regions: this.now.regions.map((r) => (r.id === id ? { ...r, ...changes } : r)) });
    },

    remove(ids) {
      const gone = new Set(ids);
      if (gone.size) this.commit({ regions: this.now.regions.filter((region) => !gone.has(region.id)) });
    },

    removeSomething() {
      if (this.selected.size) return this.remove(this.selected);
      const hovered = this.surface.state.hovered;
      if (hovered !== null) return this.remove([hovered]);
      say(this.stage, "Select regions first: in the table, or with the select tool.");
    },

    merge() {
      const chosen = this.now.regions.filter((region) => this.selected.has(region.id));
      if (chosen.length < 2) return say(this.stage, "Select two or more regions to merge: Ctrl-click their rows, or Shift-click with the select tool.");
      const merged = { ...chosen[0], mask: masks.union(...chosen.map((region) => region.mask)), edited: true, anchor: null };
      const gone = new Set(chosen.slice(1).map((region) => region.id));
      this.commit({ regions: this.now.regions.filter((r) => !gone.has(r.id)).map((r) => (r.id === merged.id ? merged : r)) });
    },

    // ---- by hand

    strokeTarget() {
      const mask = this.draftMask();
      if (mask) return { kind: "draft", mask, colour: [79, 70, 229] };
      const chosen = this.now.regions.filter((region) => this.selected.has(region.id));
      if (chosen.length === 1) return { kind: "region", id: chosen[0].id, mask: chosen[0].mask, colour: chosen[0].colour };
      if (this.tool === "brush") return { kind: "new", mask: masks.EMPTY, colour: [79, 70, 229] };
      say(this.stage, "Select the region to erase from: click its row, or use the select tool.");
      return null;
    },

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
    },

    linePoint(p) {
      if (!this.pendingLine) { this.pendingLine = p; this.render(); return; }
      const from = this.pendingLine;
      this.pendingLine = null;
      this.line(from, p);
    },

    line(a, b) {
      this.pendingLine = null;
      if (this.tool === "split") this.split(a, b);
      else if (this.tool === "scale") this.measure(a, b);
      this.render();
    },

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
    },

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
          if (plan !== this.plan) return await this.stopSearch(); // another plan was opened meanwhile
          this.renderSearch(state);
          if (state.state === "done") { this.takeFound(state, checkpoint, preset); break; }
          if (state.state === "stopped" && !state.problem) { say(this.stage, "Stopped; nothing was changed."); break; }
          if (state.state === "stopped") throw new ServerProblem({ error: `Stopped: ${state.problem}.` });
          if (state.state === "failed") throw new ServerProblem({ error: state.problem });
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      } catch (problem) {
        this.report(problem);
      } finally {
        this.search = null;
        this.renderSearch(null);
      }
    },

    async stopSearch() {
      if (!this.search) return;
      this.stopping = this.search;
      this.stopButton.disabled = true;
      await this.call("stop_search", { search: this.search }).catch((problem) => this.report(problem));
    },

    takeFound(state, checkpoint, preset) {
      let id = this.now.nextId;
      const kept = this.now.regions, cls = preset === "rooms" ? "room" : "region";
      const fresh = state.regions.map((wire) => ({ mask: masks.fromWire(wire), score: wire.score }))
        .filter((found) => !kept.some((region) => masks.overlap(found.mask, region.mask) > 0.5 * found.mask.area))
        .map((found) => this.newRegion(found.mask, { score: found.score, checkpoint, cls, id: id++ }));
      if (fresh.length) this.commit({ regions: [...kept, ...fresh], nextId: id });
      const also = kept.length ? `; your ${kept.length} stay` : "", many = fresh.length === 1 ? "1 region" : `${fresh.length} regions`;
      say(this.stage, fresh.length ? `${many} found in ${state.seconds.toFixed(1)} s${also}. Delete drops the one under the pointer.` : `Nothing new was found${also}.`);
    },
  });
})();
