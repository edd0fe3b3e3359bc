// How a surface draws: the plan with its accepted regions below, the candidate and the tools above.
(() => {
  const { Surface, boxOf, css } = window.floorseg;

  const same = (a, b) => b && a.mask === b.mask && a.colour === b.colour;

  Object.assign(Surface.prototype, {
    // ---- drawing

    draw() {
      this.drawBase();
      this.drawTop();
    },

    begin(canvas) {
      const context = canvas.getContext("2d"), r = this.ratio || 1, { scale, x, y } = this.view;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.setTransform(r * scale, 0, 0, r * scale, r * x, r * y);
      context.imageSmoothingEnabled = scale < 3;
      return context;
    },

    drawBase() {
      const context = this.begin(this.base);
      if (!this.size) return;
      context.drawImage(this.picture, 0, 0);
      context.drawImage(this.regionsLayer(), 0, 0);
      for (const region of this.state.regions) if (region.visible && this.state.selected.has(region.id)) this.drawRegion(context, region);
      if (this.state.labels) this.drawLabels(context);
    },

    drawRegion(context, { mask, colour }) {
      context.drawImage(floorseg.masks.paint(mask, colour, this.state.fill), mask.x, mask.y);
    },

    // All accepted regions in one picture, made again only when they change.
    regionsLayer() {
      const { fill } = this.state, shown = this.state.regions.filter((region) => region.visible);
      const before = this.mergedFill === fill ? this.mergedOf : null;
      const grown = before && before.length <= shown.length && before.every((region, i) => same(region, shown[i]));
      if (grown && before.length === shown.length) return this.merged;
      const context = this.merged.getContext("2d");
      if (!grown) {
        this.merged.width = this.size.width;
        this.merged.height = this.size.height;
      }
      for (const region of shown.slice(grown ? before.length : 0))
        context.drawImage(floorseg.masks.paint(region.mask, region.colour, region.alpha ?? fill), region.mask.x, region.mask.y);
      this.mergedOf = shown.slice();
      this.mergedFill = fill;
      return this.merged;
    },

    drawLabels(context) {
      const r = this.ratio, screen = (p) => this.toScreen(p);
      context.setTransform(r, 0, 0, r, 0, 0);
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (const region of this.state.regions) {
        const room = region.mask.w * this.view.scale;
        if (!region.visible || !region.name || room < 26) continue;
        const at = screen((region.anchor = region.anchor || floorseg.masks.anchor(region.mask)));
        let text = region.name;
        while (text.length > 2 && context.measureText(text).width > room - 6) text = `${text.slice(0, -2)}…`;
        context.lineWidth = 3;
        context.strokeStyle = "rgba(255,255,255,.9)";
        context.fillStyle = "#1a1a2a";
        context.strokeText(text, at.x, at.y);
        context.fillText(text, at.x, at.y);
      }
    },

    drawTop() {
      const context = this.begin(this.top);
      if (!this.size) return;
      const { draft, accent, hovered, regions } = this.state;
      const under = hovered === null ? null : regions.find((region) => region.id === hovered);
      if (under && under.visible) this.drawRegion(context, under);
      if (draft && draft.area) {
        const shape = floorseg.masks.paint(draft, accent, 0.5);
        context.drawImage(shape, draft.x, draft.y);
      }
      if (this.live) context.drawImage(this.live.canvas, this.live.box.x, this.live.box.y);
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      this.drawBox(context);
      this.drawLine(context);
      this.drawPoints(context);
      this.drawCursor(context);
    },

    drawBox(context) {
      const drag = this.gesture && this.gesture.kind === "box" ? [this.gesture.from, this.gesture.to] : null;
      const box = drag ? boxOf(drag[0], drag[1]) : this.state.box;
      if (!box) return;
      const a = this.toScreen({ x: box[0], y: box[1] }), b = this.toScreen({ x: box[2], y: box[3] });
      context.setLineDash([6, 4]);
      context.lineWidth = 1.5;
      context.strokeStyle = css(this.state.accent);
      context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
      context.setLineDash([]);
    },

    drawLine(context) {
      const drag = this.gesture && this.gesture.kind === "line" ? [this.gesture.from, this.gesture.to] : null;
      const line = drag || (this.state.line && [this.state.line[0], this.state.line[1] || this.cursorPlan()]);
      if (!line || !line[1]) return;
      const a = this.toScreen(line[0]), b = this.toScreen(line[1]);
      for (const [width, colour] of [[4, "#fff"], [2, "#e11d48"]]) {
        context.lineWidth = width;
        context.strokeStyle = context.fillStyle = colour;
        context.beginPath();
        context.moveTo(a.x, a.y);
        context.lineTo(b.x, b.y);
        context.stroke();
        for (const end of [a, b]) { context.beginPath(); context.arc(end.x, end.y, width + 1, 0, 7); context.fill(); }
      }
    },

    drawPoints(context) {
      for (const point of this.state.points) {
        const at = this.toScreen(point);
        context.beginPath();
        context.arc(at.x, at.y, 6, 0, 7);
        context.fillStyle = point.inside ? "#16a34a" : "#dc2626";
        context.fill();
        context.lineWidth = 2;
        context.strokeStyle = "#fff";
        context.stroke();
        context.beginPath();
        context.moveTo(at.x - 3, at.y);
        context.lineTo(at.x + 3, at.y);
        if (point.inside) { context.moveTo(at.x, at.y - 3); context.lineTo(at.x, at.y + 3); }
        context.lineWidth = 1.5;
        context.stroke();
      }
    },

    drawCursor(context) {
      const { tool, brush } = this.state;
      if (!this.cursor || (tool !== "brush" && tool !== "erase")) return;
      context.beginPath();
      context.arc(this.cursor.x, this.cursor.y, Math.max(2, brush * this.view.scale), 0, 7);
      for (const [width, colour] of [[3, "rgba(255,255,255,.9)"], [1.5, tool === "brush" ? "#16a34a" : "#dc2626"]]) {
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.stroke();
      }
    },

    cursorPlan() {
      return this.cursor && this.toPlan(this.cursor);
    },
  });
})();
