// The Dataset tab: choose a dataset, see its numbers, its samples, what is wrong with it.
//
// The server reads and counts; this page holds what the visitor looks at.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h, icon, tool, say } = floorseg;
  const number = new Intl.NumberFormat("en-US");
  const SECTIONS = [["overview", "Overview"], ["gallery", "Gallery"], ["findings", "Findings"], ["inspector", "RLE inspector"]];
  const SPLIT_NAMES = { "": "no split" };
  const FORMATS = { sa1b: "SA-1B", coco: "COCO", sav: "SA-V", multiclass: "multi-class RLE", yolo: "YOLO", png: "label PNG", images: "images only" };

  class DatasetPage {
    constructor(root, server) {
      this.call = floorseg.caller(server);
      this.root = root;
      this.name = null;
      this.split = "";
      this.facts = null;
      this.opened = null;
      this.watched = new Map();
      this.build();
      this.greeted = new Promise((resolve) => { this.welcome = resolve; }).then(() => this.greet());
      new ResizeObserver(() => this.appear()).observe(this.page);
    }

    // Nothing is asked of the server before somebody looks at this tab.
    appear() {
      if (!this.page.offsetWidth) return;
      this.welcome();
      this.drawCharts();
    }

    // ---- layout

    build() {
      this.menu = h("select.fs-input.fs-wide-input", { "aria-label": "Dataset", onchange: () => this.open(this.menu.value) });
      this.splitMenu = h("select.fs-input", { "aria-label": "Split", onchange: () => this.chooseSplit(this.splitMenu.value) });
      this.again = tool("redo", "Look at the files again", () => this.refresh());
      this.about = h("span.fs-title");
      this.bar = h("div.fs-open", { hidden: true }, h("label.fs-pick", {}, h("span", {}, "Dataset"), this.menu), h("label.fs-pick", {}, h("span", {}, "Split"), this.splitMenu), this.again, this.about);
      this.cards = h("div.fs-cards", { hidden: true });
      this.nav = h("div.fs-nav", { role: "tablist", "aria-label": "What to look at" }, SECTIONS.map(([key, title]) =>
        h("button.fs-navitem", { type: "button", role: "tab", "data-section": key, onclick: () => this.show(key) }, h("span", {}, title), h("span.fs-badge", { hidden: true }))));
      this.panels = Object.fromEntries(SECTIONS.map(([key]) => [key, h("section.fs-panel", { role: "tabpanel", "data-section": key, hidden: true })]));
      this.busy = h("div.fs-reading", { hidden: true, role: "status" }, h("span"), h("progress", { max: 1, value: 0 }));
      this.page = h("div.fs-page.fs-dataset", {}, this.bar, this.cards, this.busy, this.nav, Object.values(this.panels));
      this.root.append(this.page);
      this.buildOverview();
      this.buildGallery();
      this.buildFindings();
      this.inspector = new floorseg.RleInspector(this.panels.inspector, this.call, (problem) => this.report(problem));
      this.page.addEventListener("keydown", (event) => this.sampleKey(event));
      this.show("overview");
    }

    async greet() {
      try {
        this.facts = await this.call("hello_datasets");
        this.inspector.fill(this.facts.examples);
        this.fillSorts();
        this.fillFormats();
        this.fillMenu();
        if (this.facts.datasets.length) await this.open(this.facts.datasets[0]);
      } catch (problem) {
        this.report(problem);
      }
    }

    fillMenu() {
      const { datasets } = this.facts;
      this.menu.replaceChildren(...datasets.map((name) => h("option", { value: name }, name === "." ? this.facts.root : name)));
      this.bar.hidden = !datasets.length;
      this.renderNothing();
    }

    report(problem) {
      if (!(problem instanceof floorseg.ServerProblem)) console.error(problem);
      say(this.page, problem.message || String(problem), { problem: true });
    }

    // ---- where the visitor is

    show(section) {
      this.section = section;
      for (const button of this.nav.children) button.setAttribute("aria-selected", String(button.dataset.section === section));
      for (const [key, panel] of Object.entries(this.panels)) panel.hidden = key !== section;
      const chosen = this.nav.querySelector("[aria-selected=true]"), far = chosen.offsetLeft + chosen.offsetWidth - this.nav.clientWidth;
      if (this.nav.scrollLeft < far || chosen.offsetLeft < this.nav.scrollLeft) this.nav.scrollLeft = Math.max(0, far);
      if (section === "overview") this.drawCharts();
      if (section === "gallery" && this.surface) this.surface.resize();
    }

    badge(section, text) {
      const badge = this.nav.querySelector(`[data-section="${section}"] .fs-badge`);
      badge.hidden = !text;
      badge.textContent = text || "";
    }

    get ask() {
      return { name: this.name, split: this.split };
    }

    // ---- opening

    async open(name) {
      const turn = (this.turn = {});
      this.name = name;
      this.menu.value = name;
      this.split = "";
      this.closeSample();
      this.resetFilters();
      try {
        for (;;) {
          const answer = await this.call("open_dataset", { name });
          if (turn !== this.turn) return;
          if (answer.ready) { this.opened = answer; break; }
          this.telling(`Reading ${name === "." ? "the dataset" : name}`, answer);
          await new Promise((resolve) => setTimeout(resolve, 400));
        }
        this.telling(null);
        this.fillOpened();
        await this.look();
        if (turn !== this.turn) return;
        for (const task of this.opened.tasks) this.watch(task);
        if (this.opened.check_now && !this.opened.tasks.length) await this.check();
      } catch (problem) {
        if (turn !== this.turn) return;
        this.telling(null);
        this.opened = null;
        this.renderUnreadable(problem);
      }
    }

    async refresh() {
      try {
        this.facts = await this.call("hello_datasets");
        const name = this.name;
        this.fillMenu();
        if (!this.facts.datasets.length) return;
        await this.open(this.facts.datasets.includes(name) ? name : this.facts.datasets[0]);
      } catch (problem) {
        this.report(problem);
      }
    }

    telling(what, { done = 0, total = 1 } = {}) {
      this.busy.hidden = !what;
      if (!what) return;
      this.busy.firstChild.textContent = total > 1 ? `${what}: ${number.format(done)} of ${number.format(total)} files` : `${what} …`;
      const bar = this.busy.lastChild;
      if (total > 1) bar.value = done / total; else bar.removeAttribute("value");
    }

    fillOpened() {
      const { splits, format, images, classes } = this.opened;
      this.page.classList.remove("fs-unreadable");
      this.splitMenu.replaceChildren(h("option", { value: "" }, "all"), ...splits.filter(Boolean).map((split) => h("option", { value: split }, split)));
      this.splitMenu.disabled = splits.filter(Boolean).length < 1;
      this.about.textContent = `${FORMATS[format] || format} · ${number.format(images)} ${images === 1 ? "image" : "images"}`;
      this.fillClasses(classes);
      this.suggestNames();
      this.nav.hidden = false;
    }

    async chooseSplit(split) {
      this.split = split;
      this.closeSample();
      await this.look();
    }

    // Everything that depends on dataset and split; "keep" leaves the visitor where they are.
    async look(keep = false) {
      const turn = this.turn;
      try {
        this.seen = await this.call("overview", this.ask);
        if (turn !== this.turn) return;
        this.renderCards();
        this.renderKinds();
        this.drawCharts();
        await Promise.all([keep && this.current ? null : this.browse(keep ? this.galleryPage || 0 : 0), this.listFindings(0)]);
      } catch (problem) {
        this.report(problem);
      }
    }

    // ---- cards

    renderCards() {
      const { images, masks, empty, classes, sizes, size, smallest, largest, splits, checked } = this.seen;
      const listed = Object.entries(splits).filter(([name]) => name).map(([name, n]) => `${name} ${number.format(n)}`).join(" · ");
      const by = (pair) => `${number.format(pair[0])} × ${number.format(pair[1])}`;
      const range = sizes > 1 ? `from ${by(smallest)} to ${by(largest)}` : "one size for all";
      this.cards.hidden = false;
      this.cards.replaceChildren(
        card("Images", number.format(images), this.split ? `of the ${this.split} split` : listed || SPLIT_NAMES[""]),
        card("Masks", number.format(masks), masks ? `${(masks / images).toFixed(1)} an image${empty ? ` · ${number.format(empty)} without any` : ""}` : ""),
        card("Classes", classes ? number.format(classes) : "none", classes ? "" : masks ? "masks have no class" : "no masks"),
        card("Sizes", size ? by(size) : "unknown", size ? (sizes > 1 ? `${number.format(sizes)} sizes, ${range}` : range) : ""),
        this.findingsCard(checked),
      );
    }

    findingsCard(checked) {
      const running = this.checking();
      const go = (severity) => { this.filterFindings(severity); this.show("findings"); };
      const body = checked
        ? h("div.fs-severities", {}, Object.entries(checked.counts).map(([severity, count]) =>
          h(`button.fs-severity.fs-${severity}`, { type: "button", title: `Show the ${severity}s`, disabled: !count, onclick: () => go(severity) }, h("b", {}, number.format(count)), h("span", {}, count === 1 ? severity : `${severity}s`))))
        : h("div.fs-value", {}, running ? "…" : "not checked");
      const note = running ? [h("progress", { max: 1, value: running.total > 1 ? running.done / running.total : 0 }), h("span", {}, running.total > 1 ? running.done === running.total ? "comparing plans across splits …" : `checking ${number.format(running.done)} of ${number.format(running.total)}` : "check starts …")]
        : [checked && checked.fresh ? h("span", {}, checked.counts.error + checked.counts.warning + checked.counts.note ? this.split ? `in the ${this.split} split` : Object.keys(this.seen.splits).length > 1 ? "in all splits" : "" : "nothing wrong was found")
          : h("button.fs-link", { type: "button", onclick: () => this.check() }, checked ? "files have changed: check again" : "check it now")];
      this.badge("findings", checked && checked.counts.error + checked.counts.warning ? number.format(checked.counts.error + checked.counts.warning) : "");
      const made = h("div.fs-card.fs-fact.fs-fact-wide", {}, h("h3", {}, "Findings"), body, h("div.fs-note", {}, note));
      return (this.findingsFact = made);
    }

    // ---- nothing to show

    renderNothing() {
      const { datasets, root, public: open } = this.facts;
      if (this.nothing) this.nothing.remove();
      this.page.classList.toggle("fs-none", !datasets.length);
      if (datasets.length) return;
      this.cards.hidden = true;
      this.nothing = open ? this.publicNote() : this.firstSteps(root);
      this.page.insertBefore(this.nothing, this.nav);
      this.show("inspector");
    }

    publicNote() {
      return h("div.fs-card.fs-firststeps", {}, h("h3", {}, "Datasets are not shown on a public page"),
        h("p.fs-note", {}, "Folders of this server are closed to visitors. Run floorseg on your own computer to inspect datasets; the RLE inspector below works here too: paste any encoding."));
    }

    firstSteps(root) {
      this.drawButton = h("button.fs-button.fs-primary", { type: "button", onclick: () => this.drawPlans() }, icon("rooms"), h("span", {}, "Draw 40 synthetic plans"));
      this.drawBox = h("div.fs-tasks");
      const step = (title, ...body) => h("li", {}, h("b", {}, title), ...body);
      return h("div.fs-card.fs-firststeps", {}, h("h3", {}, "No dataset yet"),
        h("ol", {},
          step("Unzip an export into the data folder. ", h("span", {}, "Roboflow, COCO, SA-1B, SA-V, YOLO and label PNGs are recognised; "), code(`unzip export.zip -d ${root}/MyPlans`)),
          step("Or fetch one of ours. ", code("python -m floorseg data fetch set1"), h("span", {}, " or "), code("set2")),
          step("Or make one to try things on. ", h("span", {}, "Synthetic floorplans with exact masks of rooms, walls, doors and windows: "), code(`python -m floorseg synth ${root}/synthetic --images 40`))),
        h("div.fs-row", {}, this.drawButton, h("button.fs-button", { type: "button", onclick: () => this.refresh() }, "Look again")), this.drawBox);
    }

    async drawPlans() {
      this.drawButton.disabled = true;
      try {
        this.watch(await this.call("draw", { target: "synthetic", images: 40 }), this.drawBox);
      } catch (problem) {
        this.report(problem);
        this.drawButton.disabled = false;
      }
    }

    renderUnreadable(problem) {
      this.seen = null;
      this.charts.replaceChildren();
      this.page.classList.add("fs-unreadable");
      this.cards.hidden = false;
      this.nav.hidden = true;
      this.about.textContent = "";
      this.cards.replaceChildren(h("div.fs-card.fs-bad", { role: "alert" }, h("h3", {}, "This folder cannot be opened as a dataset"), h("p.fs-note", {}, problem.message || String(problem))));
      if (!(problem instanceof floorseg.ServerProblem)) console.error(problem);
      this.show("overview");
    }
  }

  const code = (text) => h("code.fs-code", {}, text);
  const card = (title, value, note) => h("div.fs-card.fs-fact", {}, h("h3", {}, title), h("div.fs-value", {}, value), h("div.fs-note", {}, note || ""));

  // A file made here, to take home.
  function saveText(name, text, type = "text/plain") {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = h("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  Object.assign(floorseg, { DatasetPage, saveText, formatNames: FORMATS, formatNumber: (n) => number.format(n) });
  floorseg.mountDatasets = (element, server) => {
    const root = element.querySelector(".fs-root");
    if (root && !root.firstChild) root.page = new DatasetPage(root, server);
  };
})();
