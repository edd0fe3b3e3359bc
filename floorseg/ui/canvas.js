// The click-and-drag surface: shows a plan with masks, turns fingers and mice into gestures.
//
// Knows nothing of servers, tables or files. Several surfaces of one `group` share zoom and pan.
//
//   const surface = new floorseg.Surface(host, {group, onTap, onBox, onStroke, onLine, onHover});
//   surface.show(image, {width, height});
//   surface.set({regions, draft, points, box, tool, ...});   // draws what changed
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const DRAG = 5; // CSS pixels until a press becomes a drag
  const groups = new Map();

  class Surface {
    constructor(host, options = {}) {
      this.options = options;
      this.state = { regions: [], draft: null, points: [], box: null, line: null, tool: "click",
        brush: 12, hovered: null, selected: new Set(), labels: true, fill: 0.38, accent: [79, 70, 229] };
      this.view = { scale: 1, x: 0, y: 0 };
      this.size = null;
      this.pointers = new Map();
      this.gesture = null;
      this.cursor = null;
      this.host = host;
      host.classList.add("fs-surface");
      host.tabIndex = 0;
      this.base = this.layer();
      this.top = this.layer();
      this.picture = document.createElement("canvas");
      this.merged = document.createElement("canvas");
      this.mergedOf = null;
      this.listen();
      new ResizeObserver(() => this.resize()).observe(host);
      this.join(options.group);
    }

    layer() {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      this.host.append(canvas);
      return canvas;
    }

    join(group) {
      if (!group) return;
      if (!groups.has(group)) groups.set(group, new Set());
      groups.get(group).add(this);
      this.mates = groups.get(group);
    }

    // ---- what is shown

    show(image, size) {
      const same = this.size && this.size.width === size.width && this.size.height === size.height;
      this.size = { ...size };
      this.picture.width = size.width;
      this.picture.height = size.height;
      this.picture.getContext("2d").drawImage(image, 0, 0, size.width, size.height);
      this.mergedOf = null;
      this.resize();
      if (!same || !this.options.keepView) this.fit();
    }

    clear() {
      this.size = null;
      this.draw();
    }

    set(changes) {
      const before = this.state;
      this.state = { ...before, ...changes };
      const now = this.state;
      const below = ["regions", "selected", "labels", "fill"].some((key) => before[key] !== now[key]);
      this.host.dataset.tool = now.tool;
      if (below) this.draw(); else this.drawTop();
    }

    // ---- view

    resize() {
      const ratio = window.devicePixelRatio || 1, box = this.host.getBoundingClientRect();
      if (!box.width || !box.height) return;
      const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
      if (this.base.width === width && this.base.height === height) return;
      const first = !this.width;
      this.ratio = ratio;
      this.width = box.width;
      this.height = box.height;
      for (const canvas of [this.base, this.top]) { canvas.width = width; canvas.height = height; }
      if (first || this.fitted) this.fit(); else this.draw();
    }

    fit() {
      if (!this.size || !this.width) return;
      const scale = Math.min((this.width - 16) / this.size.width, (this.height - 16) / this.size.height);
      this.move({ scale, x: (this.width - this.size.width * scale) / 2, y: (this.height - this.size.height * scale) / 2 });
      this.fitted = true;
    }

    move(view, { alone = false } = {}) {
      this.view = view;
      this.fitted = false;
      this.draw();
      if (alone || !this.mates) return;
      for (const mate of this.mates) if (mate !== this && mate.size) mate.move({ ...view }, { alone: true });
    }

    zoom(factor, at = { x: this.width / 2, y: this.height / 2 }) {
      if (!this.size) return;
      const { scale, x, y } = this.view;
      const next = Math.min(40, Math.max(0.05, scale * factor)), ratio = next / scale;
      this.move({ scale: next, x: at.x - (at.x - x) * ratio, y: at.y - (at.y - y) * ratio });
    }

    toPlan(at) {
      return { x: (at.x - this.view.x) / this.view.scale, y: (at.y - this.view.y) / this.view.scale };
    }

    toScreen(p) {
      return { x: p.x * this.view.scale + this.view.x, y: p.y * this.view.scale + this.view.y };
    }

    inside(p) {
      return this.size && p.x >= 0 && p.y >= 0 && p.x < this.size.width && p.y < this.size.height;
    }

    clamp(p) {
      return { x: Math.min(Math.max(p.x, 0), this.size.width), y: Math.min(Math.max(p.y, 0), this.size.height) };
    }

    // ---- pointers: one presses, drags or taps; two pinch

    listen() {
      const host = this.host, on = (name, f, o) => host.addEventListener(name, f, o);
      on("contextmenu", (event) => event.preventDefault());
      on("pointerdown", (event) => this.press(event));
      on("pointermove", (event) => this.drag(event));
      on("pointerup", (event) => this.release(event, true));
      on("pointercancel", (event) => this.release(event, false));
      on("pointerleave", () => { this.cursor = null; this.hover(null); this.drawTop(); });
      on("wheel", (event) => {
        if (!this.size) return;
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), this.at(event));
      }, { passive: false });
    }

    at(event) {
      const box = this.host.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    press(event) {
      if (!this.size || event.target.closest(".fs-over")) return;
      this.host.focus({ preventScroll: true });
      if (event.cancelable) event.preventDefault();
      try { this.host.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ }
      const at = this.at(event);
      this.pointers.set(event.pointerId, at);
      if (this.pointers.size === 2) return this.startPinch();
      const pan = this.spaceHeld || event.button === 1 || this.state.tool === "pan";
      this.gesture = { kind: pan ? "pan" : "press", start: at, last: at, from: this.toPlan(at), to: this.toPlan(at),
        away: event.button === 2 || event.altKey, add: event.shiftKey || event.ctrlKey || event.metaKey, time: performance.now() };
      if (this.gesture.kind === "press" && ["brush", "erase"].includes(this.state.tool)) this.startStroke();
    }

    startPinch() {
      const [a, b] = [...this.pointers.values()];
      if (this.gesture && this.gesture.kind === "stroke") this.cancelStroke();
      this.gesture = { kind: "pinch", distance: Math.hypot(a.x - b.x, a.y - b.y), middle: mid(a, b) };
    }

    drag(event) {
      const at = this.at(event);
      this.cursor = event.pointerType === "touch" && !this.pointers.size ? null : at;
      if (!this.size) return;
      if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, at);
      const g = this.gesture;
      if (!g) { this.hover(this.toPlan(at)); return this.drawTop(); }
      if (g.kind === "pinch") return this.pinch(g);
      if (g.kind === "press" && Math.hypot(at.x - g.start.x, at.y - g.start.y) > DRAG) this.startDrag(g);
      g.to = this.clamp(this.toPlan(at));
      if (g.kind === "pan") this.move({ ...this.view, x: this.view.x + at.x - g.last.x, y: this.view.y + at.y - g.last.y });
      if (g.kind === "stroke") this.continueStroke(g.to);
      g.last = at;
      this.drawTop();
    }

    startDrag(g) {
      const tool = this.state.tool;
      if (tool === "click" || tool === "box") g.kind = "box";
      else if (tool === "split" || tool === "scale") g.kind = "line";
      else if (tool === "select") g.kind = "pan";
      g.from = this.clamp(g.from);
    }

    pinch(g) {
      const [a, b] = [...this.pointers.values()];
      if (!b) return;
      const distance = Math.hypot(a.x - b.x, a.y - b.y), middle = mid(a, b);
      this.view = { ...this.view, x: this.view.x + middle.x - g.middle.x, y: this.view.y + middle.y - g.middle.y };
      this.zoom(distance / Math.max(1, g.distance), middle);
      Object.assign(g, { distance, middle });
    }

    release(event, finished) {
      const g = this.gesture;
      this.pointers.delete(event.pointerId);
      if (!g) return;
      if (g.kind === "pinch") { if (!this.pointers.size) this.gesture = null; return; }
      this.gesture = null;
      const { onTap, onBox, onLine } = this.options;
      if (g.kind === "stroke") return this.endStroke(finished);
      if (!finished) return this.drawTop();
      if (g.kind === "press" && this.inside(g.from)) onTap && onTap(g.from, { away: g.away, add: g.add });
      if (g.kind === "box") onBox && onBox(boxOf(g.from, g.to));
      if (g.kind === "line") onLine && onLine(g.from, g.to);
      this.drawTop();
    }

    hover(p) {
      const { onHover } = this.options;
      if (!onHover) return;
      let found = null;
      if (p && this.inside(p))
        for (const region of this.state.regions)
          if (region.visible && floorseg.masks.contains(region.mask, p.x, p.y)) found = region.id;
      if (found !== this.lastHover) onHover((this.lastHover = found));
    }

    // ---- brush: bytes of the whole plan while the stroke lasts, a mask when it ends

    startStroke() {
      const target = this.options.strokeTarget ? this.options.strokeTarget(this.gesture.from) : null;
      if (!target) { this.gesture = null; return; }
      const box = { x: 0, y: 0, w: this.size.width, h: this.size.height };
      this.gesture.kind = "stroke";
      this.strokeOf = { box, data: floorseg.masks.bits(target.mask, box), value: this.state.tool === "brush" ? 1 : 0, target };
      const canvas = document.createElement("canvas");
      canvas.width = box.w;
      canvas.height = box.h;
      this.live = { canvas, box };
      this.continueStroke(this.gesture.from);
      this.drawTop();
    }

    continueStroke(to) {
      const s = this.strokeOf, from = s.last || to, radius = this.state.brush;
      floorseg.masks.stroke(s.data, s.box, from, to, radius, s.value);
      const context = this.live.canvas.getContext("2d");
      context.lineCap = "round";
      context.lineWidth = radius * 2;
      context.strokeStyle = s.value ? css(s.target.colour, 0.55) : "rgba(255,255,255,.75)";
      context.globalCompositeOperation = "source-over";
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x + 0.01, to.y);
      context.stroke();
      s.last = to;
    }

    cancelStroke() {
      this.strokeOf = this.live = null;
    }

    endStroke(finished) {
      const s = this.strokeOf;
      this.cancelStroke();
      if (finished && s) this.options.onStroke(s.target, floorseg.masks.fromBits(s.data, s.box));
      this.drawTop();
    }
  }

  const mid = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const boxOf = (a, b) => [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.max(a.x, b.x), Math.max(a.y, b.y)];
  const css = ([r, g, b], a = 1) => `rgba(${r},${g},${b},${a})`;

  Object.assign(floorseg, { Surface, boxOf, css });
})();
