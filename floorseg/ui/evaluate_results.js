// The Evaluate tab's results: the leaderboard, the plots and the gallery of the chosen reports.
(() => {
  const floorseg = window.floorseg, { h, say, saveText, csv, EvaluatePage } = floorseg;
  const COLOURS = ["#64748b", "#4f46e5", "#ea580c", "#0d9488", "#c026d3", "#ca8a04", "#2563eb", "#dc2626", "#65a30d", "#7c3aed", "#0891b2", "#be185d"];
  const GROUPS = [["worst", "Worst"], ["median", "Middling"], ["best", "Best"]];
  const clicks = (name) => name.startsWith("noc");
  const number = (value, name) => (value === null || value === undefined ? "" : clicks(name) ? value.toFixed(2) : (value * 100).toFixed(1));
  const signed = (value, name) => (value > 0 ? "+" : value < 0 ? "−" : "±") + number(Math.abs(value), name);
  const NAMES = { iou: "IoU", iou_2: "IoU 2", iou_3: "IoU 3", iou_5: "IoU 5", iou_10: "IoU 10", auc: "AUC", noc_85: "NoC 85", noc_90: "NoC 90", best_iou: "best of 3", boundary_iou: "boundary", dice: "Dice", image_iou: "by picture", pixel_iou: "pixels", calibration_error: "calibration" };
  let library = null;

  // Plotly comes from this server, when the first plot is drawn.
  function plotly(path) {
    if (window.Plotly) return Promise.resolve(window.Plotly);
    library = library || new Promise((resolve, reject) => {
      const root = (window.gradio_config && window.gradio_config.root) || ".";
      document.head.append(h("script", { src: `${root}/gradio_api/file=${path}`, onload: () => resolve(window.Plotly), onerror: () => { library = null; reject(new Error("The plots could not be loaded; reload the page.")); } }));
    });
    return library;
  }

  function tone(element, paper) {
    if (paper) return { text: "#1e293b", soft: "#475569", line: "#e2e8f0", back: "#ffffff" };
    const style = getComputedStyle(element), read = (name) => style.getPropertyValue(name).trim();
    return { text: read("--body-text-color"), soft: read("--body-text-color-subdued"), line: read("--border-color-primary"), back: read("--block-background-fill") };
  }

  function themed(figure, t, paper = false) {
    const axis = (own) => ({ gridcolor: t.line, zerolinecolor: t.line, linecolor: t.line, fixedrange: true, automargin: true, ...own, title: { ...own.title, font: { size: 12, color: t.soft }, standoff: 8 } });
    const data = figure.data.map(({ series, ideal, ...trace }) => {
      if (ideal) return { ...trace, line: { color: t.soft, dash: "dot", width: 1.5 }, hoverinfo: "skip" };
      const color = COLOURS[series % COLOURS.length];
      return { ...trace, marker: { color, size: 6 }, line: { color, width: 2 }, error_y: trace.error_y && { ...trace.error_y, color: trace.type === "bar" ? t.soft : color } };
    });
    const layout = { ...figure.layout, xaxis: axis(figure.layout.xaxis), yaxis: axis(figure.layout.yaxis), bargap: 0.18, showlegend: data.length > 1, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: 11 } },
      margin: paper ? { l: 70, r: 30, t: 60, b: 90 } : { l: 52, r: 10, t: 8, b: 40 }, paper_bgcolor: paper ? "#fff" : "rgba(0,0,0,0)", plot_bgcolor: paper ? "#fff" : "rgba(0,0,0,0)", font: { family: "system-ui, sans-serif", size: 12, color: t.text },
      hoverlabel: { bgcolor: t.back, bordercolor: t.line, font: { color: t.text } } };
    if (paper) layout.title = { text: figure.title };
    else layout.height = 290;
    return { data, layout };
  }

  Object.assign(EvaluatePage.prototype, {
    buildResults() {
      this.warnings = h("div.fs-warnings", { role: "alert", hidden: true });
      this.table = h("div.fs-scroll.fs-league");
      this.tableNote = h("p.fs-note");
      this.baseMenu = h("select.fs-input", { "aria-label": "Base that the others are compared with", onchange: () => { this.base = this.baseMenu.value; this.showBoard(); } });
      this.boardTools = h("div.fs-row", { hidden: true }, h("h3", {}, "Leaderboard"), h("span.fs-grow"), h("span.fs-small", {}, "base"), this.baseMenu,
        h("button.fs-link", { type: "button", onclick: () => this.board && saveText("leaderboard.csv", this.board.csv, "text/csv") }, "CSV"), this.zipButton = h("button.fs-link", { type: "button", title: "Table, reports, rows and pictures", onclick: () => this.saveAll() }, "Everything (zip)"));
      this.plots = h("div.fs-charts");
      this.galleryTools = h("div.fs-row", { hidden: true });
      this.galleryBox = h("div.fs-pieces");
      this.emptyNote = h("p.fs-note", {}, "Choose reports on the left to see them beside each other.");
      new MutationObserver(() => this.drawPlots()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
      return h("div.fs-results", {}, h("section.fs-card", {}, this.boardTools, this.warnings, this.emptyNote, this.table, this.tableNote), this.plots, this.galleryCard = h("section.fs-card", { hidden: true }, h("h3", {}, "Answers"), this.galleryTools, this.galleryBox));
    },

    async showBoard() {
      const turn = (this.boardTurn = (this.boardTurn || 0) + 1);
      this.renderList();
      if (!this.chosen.size) { this.board = null; return this.renderBoard(); }
      this.tableNote.textContent = "Comparing …";
      try {
        const board = await this.call("board", { reports: [...this.chosen], base: this.base });
        if (turn !== this.boardTurn) return;
        this.board = board;
        this.renderBoard();
      } catch (problem) {
        this.tableNote.textContent = "";
        this.report(problem);
      }
    },

    renderBoard() {
      const { board } = this;
      for (const part of [this.boardTools, this.galleryCard, this.galleryTools]) part.hidden = !board;
      this.emptyNote.hidden = Boolean(board);
      this.warnings.hidden = !board || !board.warnings.length;
      if (!board) { this.table.replaceChildren(); this.plots.replaceChildren(); this.tableNote.textContent = ""; return; }
      this.warnings.replaceChildren(h("b", {}, "These reports do not belong into one table; no difference is computed where they do not compare."), ...board.warnings.map((line) => h("p", {}, line)));
      this.baseMenu.replaceChildren(...board.rows.map((row) => h("option", { value: row.name, selected: row.name === this.base }, row.label)));
      this.renderTable();
      this.drawPlots();
      const first = board.rows[Math.min(1, board.rows.length - 1)].name;
      this.showGallery(board.rows.some((r) => r.name === this.galleryOf) ? this.galleryOf : first, this.galleryGroup || "worst");
    },

    renderTable() {
      const { rows, columns, describes } = this.board, unlike = this.board.warnings.length > 0;
      const facts = unlike ? ["data", "split", "protocol"] : [];
      const head = [h("th", {}, "checkpoint"), ...facts.map((name) => h("th", {}, name)), ...columns.map((c) => h("th.fs-num", { title: c.says + (c.lower ? " (lower is better)" : "") }, NAMES[c.name] || c.name.replace("room_integrity", "RI").replace("f1", "F1").replace("iou", "IoU").replaceAll("_", " "))),
        h("th.fs-num", { title: "seconds a picture, median" }, "s/picture"), h("th.fs-num", { title: "most memory its process held, MB" }, "MB")];
      this.table.replaceChildren(h("table.fs-table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map((row, i) => h("tr", {}, h("td", { title: `${row.name}: each plan looked at ${row.looks}` }, h("span.fs-series", { style: `background:${COLOURS[i % COLOURS.length]}` }), h("b", {}, row.label), i ? null : h("span.fs-basemark", {}, "base")),
        facts.map((name) => h("td", {}, row[name] || "all")), columns.map((c) => this.figureCell(row.figures[c.name], c.name)),
        h("td.fs-num", {}, row.cost.image_seconds === null ? "" : row.cost.image_seconds.toFixed(2)), h("td.fs-num", {}, Math.round(row.cost.peak_memory_mb).toLocaleString("en")))))));
      const one = rows[0], left = rows.flatMap((row) => row.skipped);
      this.tableNote.textContent = `${one.objects} objects on ${one.images} pictures of ${one.data}${one.split ? `, ${one.split}` : ""}. In per cent, NoC in clicks; ranges are 95 % intervals, drawn over pictures. ${describes}${left.length ? ` Left out: ${left.map((s) => `${s.image} (${s.problem})`).slice(0, 3).join("; ")}.` : ""}`;
    },

    figureCell(figure, name) {
      if (!figure) return h("td.fs-num", {}, "");
      const gap = figure.difference !== null && h(`span.fs-leap.fs-${figure.verdict.replace(" ", "-")}`, { title: `${figure.verdict}: ${signed(figure.difference, name)} (${signed(figure.difference_low, name)} to ${signed(figure.difference_high, name)}), p = ${figure.p_value.toFixed(4)}` },
        `${signed(figure.difference, name)} ${figure.verdict}`);
      return h("td.fs-num", {}, h("b", {}, number(figure.mean, name)), figure.low === null ? null : h("span.fs-range", {}, `${number(figure.low, name)}–${number(figure.high, name)}`), gap);
    },

    // ---- plots

    async drawPlots() {
      const { board } = this;
      if (!board || !this.root.offsetParent) return;
      try {
        const Plotly = await plotly(this.facts.plotly);
        if (board !== this.board) return;
        this.plots.querySelectorAll(".js-plotly-plot").forEach((old) => Plotly.purge(old));
        this.plots.replaceChildren(...board.figures.map((figure) => this.plot(Plotly, figure)));
        for (const figure of board.figures) {
          const { data, layout } = themed(figure, tone(this.plots));
          await Plotly.newPlot(this.plots.querySelector(`[data-chart="${figure.id}"] .fs-plot`), data, layout, { displayModeBar: false, responsive: true });
        }
      } catch (problem) {
        this.report(problem);
      }
    },

    plot(Plotly, figure) {
      const picture = () => Plotly.downloadImage(themed(figure, tone(null, true), true), { format: "png", filename: `evaluation_${figure.id}`, width: 960, height: 600, scale: 2 });
      return h("div.fs-card.fs-chart", { "data-chart": figure.id }, h("div.fs-row", {}, h("h3", {}, figure.title), h("span.fs-grow"), h("button.fs-link", { type: "button", title: "Download the plot as a picture", onclick: picture }, "PNG"),
        h("button.fs-link", { type: "button", title: "Download the numbers", onclick: () => saveText(`evaluation_${figure.id}.csv`, csv(figure.table), "text/csv") }, "CSV")), h("div.fs-plot", { role: "img", "aria-label": figure.title }));
    },

    // ---- gallery

    async showGallery(name, group) {
      Object.assign(this, { galleryOf: name, galleryGroup: group });
      const { board } = this, turn = (this.galleryTurn = (this.galleryTurn || 0) + 1);
      this.galleryTools.replaceChildren(h("select.fs-input", { "aria-label": "Whose answers", onchange: (event) => this.showGallery(event.target.value, this.galleryGroup) }, board.rows.map((row) => h("option", { value: row.name, selected: row.name === name }, row.label))),
        ...GROUPS.map(([value, text]) => h("button.fs-chip", { type: "button", "aria-pressed": String(value === group), onclick: () => this.showGallery(name, value) }, text)),
        h("span.fs-small", {}, h("i.fs-key.fs-outline"), " truth ", h("i.fs-key", { style: "background:#2563eb" }), " answer"));
      if (this.facts.public) return this.galleryBox.replaceChildren(h("p.fs-note", {}, "Pictures of datasets on this server are not shown on a public page."));
      this.galleryBox.replaceChildren(h("p.fs-note", {}, "Painting …"));
      try {
        const found = await this.call("gallery_of", { report: name, group });
        if (turn !== this.galleryTurn) return;
        const why = found.pieces.find((piece) => !piece.picture);
        this.galleryBox.replaceChildren(...found.pieces.filter((piece) => piece.picture).map((piece) => this.piece(piece, found)), ...(why ? [h("p.fs-note", {}, why.problem)] : []));
        if (!found.pieces.length) this.galleryBox.replaceChildren(h("p.fs-note", {}, "This report has no single answers to show."));
      } catch (problem) {
        if (turn === this.galleryTurn) { this.galleryBox.replaceChildren(h("p.fs-note", {}, problem.message)); if (!(problem instanceof floorseg.ServerProblem)) console.error(problem); }
      }
    },

    piece(piece, found) {
      const file = `${this.galleryGroup}_${piece.image.split("/").pop().replace(/\.\w+$/, "")}.jpg`;
      return h("figure.fs-piece", {}, h("button", { type: "button", title: "Open in Compare with this prompt", onclick: () => this.openInCompare(piece, found) }, h("img", { src: piece.picture, alt: `${piece.label} on ${piece.image}, IoU ${piece.iou.toFixed(2)}` })),
        h("figcaption", {}, h("b", {}, `IoU ${(piece.iou * 100).toFixed(1)} %`), h("span.fs-small", { title: piece.image }, `${piece.label} · ${piece.image.split("/").pop()}`), h("a.fs-link", { href: piece.picture, download: file, title: "Download the picture" }, "JPG")));
    },

    openInCompare(piece, found) {
      const names = this.board.rows.map((row) => row.checkpoint);
      const asked = { dataset: found.dataset, split: found.split, row: piece.row, points: piece.points.map(([x, y, inside]) => ({ x, y, inside: Boolean(inside) })), box: piece.box, checkpoints: [...new Set([names[0], found.checkpoint, ...names])].slice(0, 4) };
      floorseg.askedComparison = asked;
      const tab = [...document.querySelectorAll("[role=tab]")].find((button) => button.textContent.trim() === "Compare");
      if (tab) tab.click();
      window.dispatchEvent(new CustomEvent("floorseg:compare", { detail: asked }));
    },

    async saveAll() {
      say(this.page, "Packing …");
      try {
        const answer = await this.call("export_all", { reports: [...this.chosen], base: this.base });
        const bytes = Uint8Array.from(atob(answer.content), (c) => c.charCodeAt(0)), url = URL.createObjectURL(new Blob([bytes], { type: answer.type }));
        const link = h("a", { href: url, download: answer.name });
        document.body.append(link);
        link.click();
        link.remove();
        setTimeout(() => URL.revokeObjectURL(url), 60000);
      } catch (problem) {
        this.report(problem);
      }
    },
  });
})();
