// The Dataset tab's sample: masks over the picture, each with its fields, the JSON beside it.
(() => {
  const { h, icon, tool, masks, css, DatasetPage, formatNumber } = window.floorseg;

  Object.assign(DatasetPage.prototype, {
    buildSample() {
      this.sampleTitle = h("b.fs-sampletitle");
      this.where = h("span.fs-small");
      this.back = h("button.fs-button", { type: "button", onclick: () => this.closeSample() }, "‹ Gallery");
      this.previous = h("button.fs-button", { type: "button", title: "Previous sample (←)", "aria-label": "Previous sample", onclick: () => this.step("previous") }, "‹");
      this.following = h("button.fs-button", { type: "button", title: "Next sample (→)", "aria-label": "Next sample", onclick: () => this.step("next") }, "›");
      this.opacity = h("input", { type: "range", min: "0", max: "100", value: "40", "aria-label": "Opacity of the masks", oninput: () => this.surface.set({ fill: Number(this.opacity.value) / 100 }) });
      this.allButton = h("button.fs-link", { type: "button", onclick: () => this.toggleAll() });
      this.stage = h("div.fs-stage");
      this.tip = h("div.fs-tip", { hidden: true });
      this.problems = h("div.fs-problems");
      this.maskList = h("div.fs-masklist");
      this.head = h("pre.fs-json");
      this.here = h("div.fs-here");
      this.surface = new window.floorseg.Surface(this.stage, { onHover: (id) => this.hoverMask(id, true), onTap: (p) => this.tapMask(p) });
      this.surface.set({ tool: "select", labels: false, fill: 0.4 });
      this.stage.append(this.tip);
      this.stage.setAttribute("aria-label", "The sample's picture with its masks");
      this.stage.addEventListener("pointermove", (event) => this.placeTip(event));
      const tools = h("div.fs-tools", {}, h("label.fs-size", {}, h("span", {}, "Opacity"), this.opacity), h("i.fs-gap"),
        tool("minus", "Zoom out", () => this.surface.zoom(1 / 1.4)), tool("plus", "Zoom in", () => this.surface.zoom(1.4)), tool("fit", "Whole picture", () => this.surface.fit()));
      this.sampleBox.append(h("div.fs-row.fs-samplebar", {}, this.back, this.sampleTitle, this.where, h("span.fs-grow"), this.previous, this.following), this.problems,
        h("div.fs-main", {}, h("div.fs-work", {}, tools, this.stage), h("div.fs-side", {}, this.here,
          h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Annotations"), h("span.fs-grow"), this.allButton), h("p.fs-note", {}, "Click a mask or a row for its JSON."), this.maskList),
          h("details.fs-card", { open: true }, h("summary", {}, "The image's record"), this.head))));
    },

    async openSample(row) {
      const turn = (this.opening = {});
      this.show("gallery");
      this.gallery.hidden = true;
      this.sampleBox.hidden = false;
      this.sampleBox.classList.add("fs-loading");
      try {
        const sample = await this.call("sample", { ...this.wanted(), row });
        const picture = sample.picture ? await load(sample.picture) : null;
        if (turn !== this.opening) return;
        this.current = sample;
        this.renderSample(sample, picture);
      } catch (problem) {
        if (turn !== this.opening) return;
        this.closeSample();
        this.report(problem);
      } finally {
        if (turn === this.opening) this.sampleBox.classList.remove("fs-loading");
      }
    },

    closeSample() {
      this.opening = this.current = null;
      this.sampleBox.hidden = true;
      this.gallery.hidden = false;
    },

    step(which) {
      const row = this.current && this.current[which];
      if (row !== null && row !== undefined) this.openSample(row);
    },

    sampleKey(event) {
      if (this.section !== "gallery" || this.sampleBox.hidden || event.target.matches("input, select, textarea")) return;
      if (event.key === "ArrowLeft") this.step("previous");
      else if (event.key === "ArrowRight") this.step("next");
      else if (event.key === "Escape") this.closeSample();
      else return;
      event.preventDefault();
    },

    renderSample(sample, picture) {
      const [width, height] = sample.shown;
      this.regions = sample.masks.map((mask) => ({ id: mask.place, name: mask.label, mask: mask.patch ? masks.fromWire(mask.patch) : masks.EMPTY, visible: true, colour: mask.colour }));
      this.surface.fitted = true;
      this.surface.set({ regions: this.regions, selected: new Set(), hovered: null });
      this.surface.show(picture || blank(width, height), { width, height });
      this.sampleTitle.textContent = sample.name;
      this.sampleTitle.title = sample.file;
      const size = sample.size[0] > 1 ? `${formatNumber(sample.size[0])} × ${formatNumber(sample.size[1])} px` : "size unknown";
      this.where.textContent = [sample.split, size, sample.at === null ? "" : `${formatNumber(sample.at + 1)} of ${formatNumber(sample.of)}`].filter(Boolean).join(" · ");
      this.previous.disabled = sample.previous === null;
      this.following.disabled = sample.next === null;
      this.problems.replaceChildren(...sample.problems.map((said) => h("div.fs-card.fs-bad", { role: "alert" }, said)));
      if (sample.left_out) this.problems.append(h("div.fs-card.fs-note", {}, `${formatNumber(sample.left_out)} more masks are not drawn.`));
      this.head.textContent = sample.head;
      this.renderHere(sample.findings_here);
      this.renderMaskList(sample);
      this.sampleBox.dispatchEvent(new CustomEvent("floorseg:sample", { bubbles: true }));
    },

    renderHere(found) {
      this.here.hidden = !found.length;
      this.here.replaceChildren(h("section.fs-card", {}, h("h3", {}, `${found.length} ${found.length === 1 ? "finding" : "findings"}`),
        h("ul.fs-findings", {}, found.map((one) => h("li", {}, h(`span.fs-dot.fs-${one.severity}`, { title: one.severity }), h("span", {}, one.sentence, h("span.fs-small", {}, ` ${one.fix}${one.fixable ? " (a mended copy does it)" : ""}`)))))));
    },

    renderMaskList(sample) {
      this.rows = new Map(sample.masks.map((mask) => [mask.place, this.maskRow(mask)]));
      this.maskList.replaceChildren(...this.rows.values());
      if (!sample.masks.length) this.maskList.append(h("p.fs-note", {}, "No masks on this image."));
      this.renderToggles();
    },

    maskRow(mask) {
      const eye = tool("eye", "", () => this.toggleMask(mask.place));
      const look = h("button.fs-link", { type: "button", onclick: () => this.inspectMask(mask.place) }, "Inspect RLE");
      const facts = mask.problem ? h("span.fs-wrong", {}, mask.problem) : h("span.fs-small", {}, `${formatNumber(mask.area)} px`);
      return h("details.fs-mask", { "data-place": String(mask.place), onpointerenter: () => this.hoverMask(mask.place), onpointerleave: () => this.hoverMask(null), ontoggle: () => this.markOpen() },
        h("summary", {}, h("span.fs-swatch", { style: `background:${css(mask.colour)}` }), h("span.fs-maskname", {}, mask.label || `id ${mask.name}`), facts, h("span.fs-grow"), eye),
        h("pre.fs-json", {}, mask.json), h("div.fs-row", {}, h("span.fs-grow"), look));
    },

    // ---- which masks are seen

    toggleMask(place) {
      this.changeMasks((region) => (region.id === place ? { ...region, visible: !region.visible } : region));
    },

    toggleAll() {
      const visible = !this.regions.some((region) => region.visible);
      this.changeMasks((region) => ({ ...region, visible }));
    },

    changeMasks(change) {
      this.regions = this.regions.map(change);
      this.surface.set({ regions: this.regions });
      this.renderToggles();
    },

    renderToggles() {
      for (const region of this.regions) {
        const row = this.rows.get(region.id), eye = row.querySelector(".fs-tool");
        row.classList.toggle("fs-dim", !region.visible);
        eye.replaceChildren(icon(region.visible ? "eye" : "hidden"));
        eye.title = region.visible ? "Hide this mask" : "Show this mask";
        eye.setAttribute("aria-label", eye.title);
        eye.setAttribute("aria-pressed", String(region.visible));
      }
      this.allButton.hidden = !this.regions.length;
      this.allButton.textContent = this.regions.some((region) => region.visible) ? "Hide all" : "Show all";
    },

    // ---- what is under the pointer

    hoverMask(place, pointed = false) {
      this.surface.set({ hovered: place });
      for (const [at, row] of this.rows) row.classList.toggle("fs-hover", at === place);
      const mask = !pointed || place === null || place === undefined ? null : this.current && this.current.masks[place];
      this.tip.hidden = !mask;
      if (!mask) return;
      const measured = { area: `${formatNumber(mask.area)} px`, bbox: mask.bbox.map((n) => formatNumber(Math.round(n * 10) / 10)).join(", ") };
      this.tip.replaceChildren(h("b", {}, mask.label || `id ${mask.name}`),
        h("dl", {}, Object.entries(mask.fields).map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))),
          h("div.fs-measured", {}, h("dt", {}, "measured area"), h("dd", {}, measured.area)), h("div", {}, h("dt", {}, "measured bbox"), h("dd", {}, measured.bbox))));
    },

    placeTip(event) {
      const box = this.stage.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      const left = x > box.width / 2, up = y > box.height / 2;
      Object.assign(this.tip.style, { left: left ? "" : `${x + 16}px`, right: left ? `${box.width - x + 16}px` : "", top: up ? "" : `${y + 16}px`, bottom: up ? `${box.height - y + 16}px` : "" });
    },

    tapMask(p) {
      const hits = this.regions.filter((region) => region.visible && masks.contains(region.mask, p.x, p.y));
      const hit = hits.sort((a, b) => a.mask.area - b.mask.area)[0];
      this.surface.set({ selected: new Set(hit ? [hit.id] : []) });
      for (const [place, row] of this.rows) row.open = Boolean(hit) && place === hit.id;
      if (!hit) return;
      const row = this.rows.get(hit.id);
      this.maskList.scrollTo({ top: row.offsetTop - this.maskList.offsetTop, behavior: "smooth" });
    },

    // The rows that are open are the masks that are bright.
    markOpen() {
      this.surface.set({ selected: new Set([...this.rows].filter(([, row]) => row.open).map(([place]) => place)) });
    },

    async inspectMask(place) {
      try {
        const { text, size } = await this.call("annotation", { ...this.ask, row: this.current.row, place });
        this.show("inspector");
        await this.inspector.load(text, { size, from: `${this.current.name}, annotation ${this.current.masks[place].name}` });
      } catch (problem) {
        this.report(problem);
      }
    },
  });

  const load = (source) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("The browser cannot show this picture."));
    image.src = source;
  });

  function blank(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    return canvas;
  }
})();
