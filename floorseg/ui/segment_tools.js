// The Segment tab's tools, keys, hints and candidates.
(() => {
  const { h, tool, SegmentPage } = window.floorseg;

  const TOOLS = [
    ["click", "click", "Click a room (C): right click or Alt takes away, drag draws a box"],
    ["select", "select", "Select regions (V), Shift adds"],
    ["brush", "brush", "Brush (B): draw on the candidate, the selected region, or a new one"],
    ["erase", "erase", "Eraser (E)"],
    ["split", "split", "Split a region with a line (S)"],
    ["scale", "scale", "Scale (L): two clicks on a known length"],
    ["pan", "pan", "Move the plan (H, or hold space)"],
  ];
  const KEYS = [
    ["Click", "this belongs to it"], ["Right click, Alt-click", "this does not"], ["Drag", "a box around it"],
    ["1 2 3", "choose among the candidates"], ["Enter", "accept, start the next"], ["Esc", "clear, let go"],
    ["Delete", "remove what is selected or under the pointer"], ["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"],
    ["Wheel, + −", "zoom at the pointer"], ["Space-drag, two fingers", "move the plan"], ["0", "whole plan"],
    ["C V B E S L H", "click, select, brush, eraser, split, scale, move"], ["[ ]", "smaller, larger brush"],
    ["M", "merge what is selected"], ["A", "all rooms"], ["?", "these keys"],
  ];
  const BY_KEY = { c: "click", v: "select", b: "brush", e: "erase", s: "split", l: "scale", h: "pan" };

  Object.assign(SegmentPage.prototype, {
    buildTools() {
      this.toolButtons = TOOLS.map(([name, picture, title]) => {
        const button = tool(picture, title, () => this.useTool(name));
        button.dataset.tool = name;
        return button;
      });
      this.signButton = tool("plus", "A click adds; press so that a click takes away", () => this.setAway(!this.away));
      this.undoButton = tool("undo", "Undo (Ctrl+Z)", () => this.undo());
      this.redoButton = tool("redo", "Redo (Ctrl+Shift+Z)", () => this.redo());
      this.mergeButton = tool("merge", "Merge the selected regions (M)", () => this.merge());
      this.size = h("input", { type: "range", min: "1", max: "80", value: String(this.brush), "aria-label": "Brush size",
        oninput: () => this.setBrush(Number(this.size.value)) });
      this.sizeBox = h("label.fs-size", {}, h("span", {}, "Size"), this.size);
      return h("div.fs-tools", { role: "toolbar", "aria-label": "Tools" },
        this.toolButtons.slice(0, 1), this.signButton, this.toolButtons.slice(1, 5), this.mergeButton, this.toolButtons.slice(5), this.sizeBox,
        h("i.fs-gap"), this.undoButton, this.redoButton, tool("minus", "Zoom out (−)", () => this.surface.zoom(1 / 1.4)),
        tool("plus", "Zoom in (+)", () => this.surface.zoom(1.4)), tool("fit", "Whole plan (0)", () => this.surface.fit()),
        tool("help", "Keys (?)", () => this.toggleHelp()));
    },

    renderTools() {
      for (const button of this.toolButtons) button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
      this.undoButton.disabled = !this.past.length;
      this.redoButton.disabled = !this.future.length;
      this.mergeButton.disabled = this.selected.size < 2;
      this.sizeBox.hidden = this.tool !== "brush" && this.tool !== "erase";
      this.signButton.classList.toggle("fs-away", this.away);
      this.signButton.setAttribute("aria-pressed", String(this.away));
      this.signButton.hidden = this.tool !== "click";
    },

    useTool(name) {
      this.tool = name;
      this.pendingLine = null;
      this.render();
    },

    setAway(away) {
      this.away = away;
      this.signButton.replaceChildren(window.floorseg.icon(away ? "minus" : "plus"));
      this.render();
    },

    setBrush(size) {
      this.brush = Math.min(80, Math.max(1, size));
      this.size.value = String(this.brush);
      this.surface.set({ brush: this.brush });
    },

    renderHint() {
      const draft = this.now.draft, many = this.now.regions.length;
      const hints = {
        click: draft ? (draft.points.length > 1 ? "Enter accepts. Ctrl+Z takes the last click back." : "1 2 3 choose, another click mends, Enter accepts.")
          : many ? "Click the next room." : "Click a room, or press “All rooms”.",
        select: "Click a region; Shift adds to the selection.",
        brush: draft ? "Paint on the candidate; Enter accepts." : this.selected.size ? "Paint on the selected region." : "Paint a new region; Enter accepts.",
        erase: "Erase from the candidate or the selected region.",
        split: "Draw a line from edge to edge of a region.",
        scale: this.pendingLine ? "Click the other end." : "Click both ends of a length you know.",
        pan: "Drag to move the plan.",
      };
      this.hint.textContent = this.plan ? hints[this.tool] : "";
    },

    buildCandidates() {
      this.chips = [0, 1, 2].map((index) => h("button.fs-chip", { type: "button", onclick: () => this.choose(index), title: `Candidate ${index + 1} (key ${index + 1})` }));
      this.acceptButton = h("button.fs-button.fs-primary", { type: "button", onclick: () => this.accept(), title: "Accept the region (Enter)" }, "Accept");
      this.clearButton = h("button.fs-button", { type: "button", onclick: () => this.clearDraft(), title: "Clear the clicks (Esc)" }, "Clear");
      this.classInput = h("input.fs-input", { value: "room", list: "fs-classes", "aria-label": "Class of the next region", title: "Class of the next region",
        onchange: () => { this.currentClass = this.classInput.value.trim() || "room"; } });
      return h("section.fs-card.fs-first", {}, h("div.fs-row", {}, h("h3", {}, "This region"), h("span.fs-grow"), h("label.fs-small", {}, "Class ", this.classInput)),
        h("div.fs-row.fs-chips", { role: "group", "aria-label": "Candidates" }, this.chips), h("div.fs-row", {}, this.acceptButton, this.clearButton));
    },

    renderCandidates(draft) {
      const found = (draft && draft.candidates) || [];
      this.chips.forEach((chip, index) => {
        const one = found[index];
        chip.disabled = !one;
        chip.hidden = index > 0 && !one && found.length > 0;
        chip.setAttribute("aria-pressed", String(Boolean(one) && draft.chosen === index));
        chip.replaceChildren(h("b", {}, String(index + 1)), one ? (one.score === null ? " by hand" : ` ${Math.round(one.score * 100)} %`) : " –");
      });
      this.acceptButton.disabled = !found.length || !found[draft.chosen].mask.area;
      this.clearButton.disabled = !draft;
    },

    // ---- keys

    buildKeys() {
      document.addEventListener("keydown", (event) => this.key(event));
      document.addEventListener("keyup", (event) => { if (event.key === " ") this.holdSpace(false); });
      window.addEventListener("blur", () => this.holdSpace(false));
    },

    holdSpace(held) {
      this.surface.spaceHeld = held;
      this.stage.classList.toggle("fs-panning", held);
    },

    listening(event) {
      const at = event.target;
      if (!this.root.isConnected || !this.root.offsetParent) return false;
      if (at.closest && at.closest("input, textarea, select, [contenteditable=true]")) return at.type === "range";
      return at === document.body || this.root.contains(at);
    },

    key(event) {
      if (!this.listening(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, command = event.ctrlKey || event.metaKey;
      const onButton = event.target.closest && event.target.closest("button, a, summary");
      const act = command ? this.commandKey(key, event.shiftKey) : onButton && (key === "Enter" || key === " ") ? null : this.plainKey(key);
      if (!act) return;
      event.preventDefault();
      act();
    },

    commandKey(key, shift) {
      if (key === "z") return () => (shift ? this.redo() : this.undo());
      return key === "y" ? () => this.redo() : null;
    },

    plainKey(key) {
      if (this.help && (key === "Escape" || key === "?")) return () => this.toggleHelp();
      if (BY_KEY[key]) return () => this.useTool(BY_KEY[key]);
      if ("123".includes(key)) return () => this.choose(Number(key) - 1);
      return {
        Enter: () => this.accept(), Escape: () => this.clearDraft(), Delete: () => this.removeSomething(), Backspace: () => this.removeSomething(),
        " ": () => this.holdSpace(true), "?": () => this.toggleHelp(), "+": () => this.surface.zoom(1.4), "=": () => this.surface.zoom(1.4),
        "-": () => this.surface.zoom(1 / 1.4), 0: () => this.surface.fit(), "[": () => this.setBrush(this.brush - 2), "]": () => this.setBrush(this.brush + 2),
        m: () => this.merge(), a: () => this.findAll(),
      }[key] || null;
    },

    toggleHelp() {
      if (this.help) { this.help.remove(); this.help = null; this.stage.focus(); return; }
      const close = h("button.fs-button", { type: "button", onclick: () => this.toggleHelp() }, "Close");
      this.help = h("div.fs-help.fs-over", { role: "dialog", "aria-label": "Keys" }, h("h3", {}, "Keys"),
        h("dl", {}, KEYS.map(([keys, what]) => h("div", {}, h("dt", {}, keys), h("dd", {}, what)))), close);
      this.stage.append(this.help);
      close.focus();
    },
  });
})();
