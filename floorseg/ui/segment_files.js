// The Segment tab's files: open, paste, drop, examples, downloads, reopen, add to a dataset.
(() => {
  const floorseg = window.floorseg, { h, icon, masks, say, ServerProblem, SegmentPage } = floorseg;
  const KINDS = [["zip", "Everything (zip)"], ["sa1b", "SA-1B JSON"], ["coco", "COCO JSON"], ["labels", "Label PNG"], ["overlay", "Overlay PNG"],
    ["csv", "Table (CSV)"], ["geojson", "Polygons (GeoJSON)"], ["svg", "Polygons (SVG)"]];

  Object.assign(SegmentPage.prototype, {
    // ---- opening

    buildOpen() {
      this.file = h("input", { type: "file", hidden: true, accept: "image/*,.pdf,.json,.tif,.tiff,.heic", onchange: () => { this.take(this.file.files); this.file.value = ""; } });
      this.examples = h("div.fs-examples", { role: "group", "aria-label": "Examples" });
      this.title = h("span.fs-title");
      this.pages = new floorseg.PageTurner();
      floorseg.takesFiles(this.root, (files) => this.take(files));
      return h("div.fs-open", {}, h("button.fs-button", { type: "button", onclick: () => this.file.click(), title: "A picture, a PDF, or regions saved as JSON" }, icon("open"), h("span", {}, "Open a plan")),
        this.file, this.title, this.pages.element, h("span.fs-grow"), this.examplesLabel = h("span.fs-small.fs-wide", { hidden: true }, "Examples"), this.examples);
    },

    fillExamples() {
      this.examplesLabel.hidden = !this.facts.examples.length;
      this.examples.replaceChildren(...this.facts.examples.map((example) => h("button.fs-example", { type: "button", title: example.title, "aria-label": `Example: ${example.title}`,
        onclick: () => this.openExample(example.name) }, h("img", { src: example.thumbnail, alt: "" }))));
    },

    async take(files) {
      const list = [...files]; // before anything else: the browser empties what it handed over
      this.taking = true;
      await this.greeted;
      const saved = list.find((file) => /\.json$/i.test(file.name)), picture = list.find((file) => file !== saved);
      if (picture) await this.openFile(picture);
      if (saved) await this.reopen(saved);
    },

    async openFile(file, page = 1) {
      const send = async () => {
        const path = await floorseg.sendFile(this.upload, file, this.facts.max_upload_mb), seen = await see(file);
        return { answer: await this.call("open_plan", { path, name: file.name || "pasted.png", page, seen: seen && [seen.width, seen.height] }), seen };
      };
      return this.opened(send, (number) => this.openFile(file, number), { file, page });
    },

    async openExample(name, source = { example: name }) {
      return this.opened(async () => ({ answer: await this.call("open_example", { name }), seen: null }), null, source);
    },

    // What the visitor chose is where Compare begins: `source` is {file, page}, {example}, or null.
    async opened(send, turn = null, source = null) {
      const turnOf = (this.opening = (this.opening || 0) + 1); // the last one asked for wins
      this.busy.textContent = "Opening …";
      try {
        const { answer, seen } = await send();
        if (this.opening !== turnOf) return;
        const image = answer.picture ? await see(await (await fetch(answer.picture)).blob()) : seen;
        const again = async () => { plan.token = (await send()).answer.plan; };
        const plan = { token: answer.plan, width: answer.width, height: answer.height, name: answer.name, again };
        this.show({ plan, image, title: [answer, turn] });
        floorseg.segmented = source;
        this.root.dispatchEvent(new CustomEvent("floorseg:opened", { bubbles: true }));
      } catch (problem) {
        this.report(problem);
      } finally {
        if (this.opening === turnOf) this.busy.textContent = "";
      }
    },

    showTitle(answer, turn) {
      const full = answer.full_width === answer.width ? "" : `, shown at ${answer.width} × ${answer.height}`;
      this.title.textContent = `${answer.name} · ${answer.full_width} × ${answer.full_height} px${full}`;
      this.pages.show(answer, turn);
    },

    // ---- saving

    buildFiles() {
      this.kind = h("select.fs-input", { "aria-label": "File to download" }, KINDS.map(([value, text]) => h("option", { value }, text)));
      this.saveButton = h("button.fs-button", { type: "button", onclick: () => this.save() }, icon("download"), h("span", {}, "Download"));
      this.openAgain = h("input", { type: "file", hidden: true, accept: ".json,application/json", onchange: () => { if (this.openAgain.files[0]) this.reopen(this.openAgain.files[0]); this.openAgain.value = ""; } });
      this.dataset = h("input.fs-input", { list: "fs-datasets", placeholder: "dataset", "aria-label": "Dataset", value: "corrected" });
      this.splitMenu = h("select.fs-input.fs-short", { "aria-label": "Split" }, ["train", "valid", "test"].map((name) => h("option", { value: name }, name)));
      this.addForm = h("div.fs-row", { hidden: true }, this.dataset, this.splitMenu, h("button.fs-button", { type: "button", onclick: () => this.addToDataset(), title: "What you corrected becomes training data" }, "Add to dataset"));
      return h("section.fs-card", {}, h("h3", {}, "Keep"), h("div.fs-row", {}, this.kind, this.saveButton),
        h("div.fs-row", {}, h("button.fs-link", { type: "button", onclick: () => this.openAgain.click() }, "Reopen regions from JSON"), this.openAgain), this.addForm);
    },

    fillDatasets() {
      this.addForm.hidden = !this.facts.may_add;
      this.root.append(h("datalist", { id: "fs-datasets" }, this.facts.datasets.map((name) => h("option", { value: name }))));
    },

    wireRegions() {
      return this.now.regions.map((r) => ({ id: r.id, name: r.name, cls: r.cls, score: r.score, checkpoint: r.checkpoint, edited: r.edited, colour: r.colour, ...masks.toWire(r.mask) }));
    },

    wireWork() {
      const scale = this.now.scale;
      return { plan: this.plan.token, regions: this.wireRegions(), per_metre: (scale && scale.perMetre) || null };
    },

    nothingYet() {
      if (this.plan && this.now.regions.length) return false;
      say(this.stage, "There are no regions yet: click a room and press Enter, or press “All rooms”.");
      return true;
    },

    async save() {
      if (this.nothingYet()) return;
      this.saveButton.disabled = true;
      try {
        const answer = await this.withPlan({ ...this.wireWork(), kind: this.kind.value }, "export");
        const bytes = Uint8Array.from(atob(answer.content), (c) => c.charCodeAt(0));
        const url = URL.createObjectURL(new Blob([bytes], { type: answer.type }));
        const link = h("a", { href: url, download: answer.name });
        document.body.append(link);
        link.click();
        link.remove();
        setTimeout(() => URL.revokeObjectURL(url), 60000);
      } catch (problem) {
        this.report(problem);
      } finally {
        this.saveButton.disabled = false;
      }
    },

    async reopen(file) {
      try {
        if (!this.plan) throw new ServerProblem({ error: "Open the plan first, then the regions that belong to it." });
        const path = await floorseg.sendFile(this.upload, file, this.facts.max_upload_mb, "it is hardly a file of regions");
        const answer = await this.withPlan({ plan: this.plan.token, path, name: file.name }, "reopen");
        const regions = this.numbered(answer.regions).map((wire) => this.newRegion(masks.fromWire(wire), wire));
        const nextId = Math.max(0, ...regions.map((region) => region.id)) + 1;
        this.commit({ regions, draft: null, nextId, scale: answer.per_metre ? { perMetre: answer.per_metre, line: null } : this.now.scale });
        say(this.stage, regions.length === 1 ? "1 region is back." : `${regions.length} regions are back.`);
      } catch (problem) {
        this.report(problem);
      }
    },

    // Every region keeps its number, unless another has it or it is none: then it gets a free one.
    numbered(wires) {
      const usable = (id) => Number.isInteger(id) && id > 0, seen = new Set();
      let free = Math.max(0, ...wires.map((wire) => wire.id).filter(usable));
      return wires.map((wire) => {
        const id = usable(wire.id) && !seen.has(wire.id) ? wire.id : ++free;
        seen.add(id);
        return { ...wire, id };
      });
    },

    async addToDataset() {
      if (this.nothingYet()) return;
      try {
        const answer = await this.withPlan({ ...this.wireWork(), dataset: this.dataset.value, split: this.splitMenu.value }, "add_to_dataset");
        say(this.stage, `Added as ${answer.path}: ${answer.regions} regions.`);
      } catch (problem) {
        this.report(problem);
      }
    },
  });

  // The picture as this browser sees it, or null where it cannot.
  async function see(blob) {
    try {
      return await createImageBitmap(blob);
    } catch {
      return null;
    }
  }
})();
