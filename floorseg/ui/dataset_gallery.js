// The Dataset tab's gallery: filters, sorting, pages of thumbnails with their masks drawn.
(() => {
  const { h, icon, DatasetPage, formatNumber } = window.floorseg;
  const AT_ONCE = 4; // thumbnails asked for together, so that the first come soon
  const DELAY = 250; // ms after the last key

  Object.assign(DatasetPage.prototype, {
    buildGallery() {
      const again = () => this.browse(0), soon = () => { clearTimeout(this.typing); this.typing = setTimeout(again, DELAY); };
      this.text = h("input.fs-input", { type: "search", placeholder: "part of the name", "aria-label": "File name", oninput: soon });
      this.classMenu = h("select.fs-input", { "aria-label": "Class", onchange: again });
      this.codeMenu = h("select.fs-input", { "aria-label": "Finding", onchange: again });
      this.atLeast = h("input.fs-input.fs-short", { type: "number", min: "0", placeholder: "0", "aria-label": "At least so many masks", oninput: soon });
      this.atMost = h("input.fs-input.fs-short", { type: "number", min: "0", placeholder: "any", "aria-label": "At most so many masks", oninput: soon });
      this.sortMenu = h("select.fs-input", { "aria-label": "Sort by", onchange: again });
      this.down = h("button.fs-button.fs-order", { type: "button", "aria-pressed": "false", onclick: () => { this.setDescending(!this.descending); again(); } });
      this.setDescending(false);
      const field = (title, ...inputs) => h("label.fs-filter", {}, h("span", {}, title), h("span.fs-row", {}, inputs));
      this.filters = h("div.fs-card.fs-filters", {}, field("Name", this.text), field("Class", this.classMenu), field("Finding", this.codeMenu),
        h("div.fs-filter", {}, h("span", {}, "Masks"), h("span.fs-row", {}, this.atLeast, h("span.fs-small", {}, "to"), this.atMost)), h("div.fs-filter", {}, h("span", {}, "Sort by"), h("span.fs-row", {}, this.sortMenu, this.down)));
      this.count = h("span.fs-small", { role: "status", "aria-live": "polite" });
      this.grid = h("div.fs-grid");
      this.pager = pager((page) => this.browse(page));
      this.gallery = h("div.fs-stack", {}, this.filters, h("div.fs-row", {}, this.count, h("span.fs-grow"), this.pager.top), this.grid, h("div.fs-row", {}, h("span.fs-grow"), this.pager.bottom));
      this.sampleBox = h("div.fs-stack", { hidden: true });
      this.panels.gallery.append(this.gallery, this.sampleBox);
      this.buildSample();
    },

    fillSorts() {
      this.sortMenu.replaceChildren(...Object.entries(this.facts.sorts).map(([value, title]) => h("option", { value }, title)));
    },

    fillClasses(classes) {
      const named = classes.map((name, row) => [row, name]).sort((a, b) => a[1].localeCompare(b[1]));
      this.classMenu.replaceChildren(h("option", { value: "" }, "any"), ...named.map(([row, name]) => h("option", { value: String(row) }, name)));
      this.classMenu.disabled = classes.length < 2;
    },

    fillCodes(kinds) {
      const kept = this.codeMenu.value;
      this.codeMenu.replaceChildren(h("option", { value: "" }, "any or none"), h("option", { value: "any" }, "with a finding"),
        ...kinds.map((kind) => h("option", { value: kind.code }, `${kind.title} (${formatNumber(kind.findings)})`)));
      this.codeMenu.value = kinds.some((kind) => kind.code === kept) || kept === "any" ? kept : "";
    },

    setDescending(descending) {
      this.descending = descending;
      this.down.setAttribute("aria-pressed", String(descending));
      this.down.textContent = descending ? "↓" : "↑";
      this.down.title = descending ? "Largest first; click for smallest first" : "Smallest first; click for largest first";
      this.down.setAttribute("aria-label", this.down.title);
    },

    resetFilters() {
      this.text.value = this.atLeast.value = this.atMost.value = "";
      this.classMenu.value = this.codeMenu.value = "";
      this.findingCode = this.findingText = "";
    },

    wanted() {
      const whole = (input) => (input.value === "" ? null : Math.max(0, Math.min(1e9, Math.round(Number(input.value) || 0))));
      return { ...this.ask, text: this.text.value, class_row: this.classMenu.value === "" ? null : Number(this.classMenu.value), code: this.codeMenu.value,
        at_least: whole(this.atLeast) || 0, at_most: whole(this.atMost), sort: this.sortMenu.value || "name", descending: this.descending };
    },

    async browse(page) {
      const turn = (this.browsing = {});
      this.closeSample();
      try {
        const answer = await this.call("gallery", { ...this.wanted(), page });
        if (turn !== this.browsing) return;
        this.renderGrid(answer);
        await this.fillThumbnails(answer.samples, turn);
      } catch (problem) {
        if (turn === this.browsing) this.report(problem);
      }
    },

    renderGrid({ total, page, pages, samples }) {
      this.count.textContent = total === 1 ? "1 sample" : `${formatNumber(total)} samples`;
      this.pager.set((this.galleryPage = page), pages);
      this.tiles = new Map(samples.map((sample) => [sample.row, this.tile(sample)]));
      this.grid.replaceChildren(...this.tiles.values());
      if (!samples.length) this.grid.append(h("p.fs-note.fs-none-here", {}, "No sample is like that. ", h("button.fs-link", { type: "button", onclick: () => { this.resetFilters(); this.browse(0); } }, "Show all")));
    },

    tile(sample) {
      const dot = sample.worst ? h(`span.fs-dot.fs-${sample.worst}`, { title: sample.codes.join(", ") }) : null;
      const masks = `${formatNumber(sample.mask_count)} ${sample.mask_count === 1 ? "mask" : "masks"}`;
      return h("button.fs-tile", { type: "button", title: sample.name, "data-row": String(sample.row), onclick: () => this.openSample(sample.row) },
        h("span.fs-thumb"), h("span.fs-tilename", {}, sample.name), h("span.fs-small", {}, dot, `${masks}${sample.split && !this.split ? ` · ${sample.split}` : ""}`));
    },

    async fillThumbnails(samples, turn) {
      const rows = samples.map((sample) => sample.row), parts = [];
      while (rows.length) parts.push(rows.splice(0, AT_ONCE));
      for (const part of parts) {
        const { thumbnails } = await this.call("thumbnails", { ...this.ask, rows: part });
        if (turn !== this.browsing) return;
        for (const { row, picture, problem } of thumbnails) {
          const place = this.tiles.get(row).querySelector(".fs-thumb");
          if (picture) place.replaceChildren(h("img", { src: picture, alt: "" }));
          else { place.classList.add("fs-broken"); place.title = problem; place.replaceChildren(icon("hidden"), h("span", {}, "cannot be read")); }
        }
      }
    },
  });

  // Buttons above and below that say which page is shown.
  function pager(go) {
    const parts = [0, 1].map(() => {
      const back = h("button.fs-button", { type: "button", "aria-label": "Previous page" }, "‹"), on = h("button.fs-button", { type: "button", "aria-label": "Next page" }, "›");
      const where = h("span.fs-small");
      return { back, on, where, box: h("span.fs-row.fs-pager", {}, back, where, on) };
    });
    let at = 0;
    for (const { back, on } of parts) {
      back.addEventListener("click", () => go(at - 1));
      on.addEventListener("click", () => go(at + 1));
    }
    const set = (page, pages) => {
      at = page;
      for (const { back, on, where, box } of parts) {
        box.hidden = pages < 2;
        back.disabled = page < 1;
        on.disabled = page + 1 >= pages;
        where.textContent = `page ${formatNumber(page + 1)} of ${formatNumber(pages)}`;
      }
    };
    set(0, 1);
    return { top: parts[0].box, bottom: parts[1].box, set };
  }

  window.floorseg.pager = pager;
})();
