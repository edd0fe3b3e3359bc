// The Dataset tab's overview: one Plotly chart a card, in the theme's colours, each to take home.
(() => {
  const { h, saveText, DatasetPage } = window.floorseg;
  let library = null;

  // Plotly comes from this server, when the first chart is drawn.
  function plotly(path) {
    if (!library) {
      library = new Promise((resolve, reject) => {
        const root = (window.gradio_config && window.gradio_config.root) || ".";
        const script = h("script", { src: `${root}/gradio_api/file=${path}`, onload: () => resolve(window.Plotly),
          onerror: () => { library = null; reject(new Error("The charts could not be loaded; reload the page.")); } });
        document.head.append(script);
      });
    }
    return library;
  }

  function colours(element) {
    const style = getComputedStyle(element), read = (name) => style.getPropertyValue(name).trim();
    const dark = document.body.classList.contains("dark") || Boolean(element.closest(".dark"));
    return { text: read("--body-text-color"), soft: read("--body-text-color-subdued"), line: read("--border-color-primary"), mark: read(dark ? "--primary-400" : "--primary-500"), dark };
  }

  const HEAT_LIGHT = [[0, "#f8fafc"], [0.02, "#e0e7ff"], [0.35, "#a5b4fc"], [0.7, "#6366f1"], [1, "#312e81"]];
  const HEAT_DARK = [[0, "#0f172a"], [0.02, "#1e1b4b"], [0.35, "#4338ca"], [0.7, "#818cf8"], [1, "#e0e7ff"]];

  function themed(figure, tone) {
    const axis = (own) => ({ gridcolor: tone.line, zerolinecolor: tone.line, linecolor: tone.line, fixedrange: true, ...own, title: { ...own.title, font: { size: 12, color: tone.soft }, standoff: 8 } });
    const data = figure.data.map(({ heat, ...trace }) => (heat
      ? { ...trace, colorscale: tone.dark ? HEAT_DARK : HEAT_LIGHT, colorbar: { ...trace.colorbar, tickfont: { size: 11 } } }
      : { ...trace, marker: { ...trace.marker, color: tone.mark } }));
    const layout = { ...figure.layout, xaxis: axis(figure.layout.xaxis), yaxis: axis(figure.layout.yaxis), height: 250, bargap: 0.12, showlegend: false,
      margin: { l: 54, r: 12, t: 8, b: 46 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: "system-ui, sans-serif", size: 12, color: tone.text },
      hoverlabel: { bgcolor: tone.dark ? "#1e293b" : "#ffffff", bordercolor: tone.line, font: { color: tone.text } } };
    return { data, layout };
  }

  const cell = (value) => (typeof value === "string" && /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

  Object.assign(DatasetPage.prototype, {
    buildOverview() {
      this.charts = h("div.fs-plots");
      this.panels.overview.append(this.charts);
      new MutationObserver(() => this.drawCharts(true)).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    },

    // Charts are drawn when they can be seen, and again when numbers or theme change.
    async drawCharts(again = false) {
      if (!this.seen || this.section !== "overview" || !this.root.offsetParent) return;
      if (!again && this.drawn === this.seen) return;
      const seen = (this.drawn = this.seen);
      try {
        const Plotly = await plotly(this.facts.plotly);
        if (seen !== this.seen) return;
        this.charts.querySelectorAll(".js-plotly-plot").forEach((old) => Plotly.purge(old));
        this.charts.replaceChildren(...seen.figures.map((figure) => this.chart(Plotly, figure)));
        const tone = colours(this.charts);
        for (const figure of seen.figures) {
          const { data, layout } = themed(figure, tone);
          await Plotly.newPlot(this.charts.querySelector(`[data-chart="${figure.id}"] .fs-plot`), data, layout, { displayModeBar: false, responsive: true });
        }
      } catch (problem) {
        this.drawn = null;
        this.report(problem);
      }
    },

    chart(Plotly, figure) {
      const plot = h("div.fs-plot", { role: "img", "aria-label": figure.title });
      const name = `${this.name.replaceAll(/[^\w-]+/g, "_")}_${figure.id}`;
      const table = () => saveText(`${name}.csv`, figure.table.map((row) => row.map(cell).join(",")).join("\n"), "text/csv");
      const picture = async () => Plotly.downloadImage(await this.paper(Plotly, figure), { format: "png", filename: name, width: 900, height: 540, scale: 2 });
      return h("div.fs-card.fs-chart", { "data-chart": figure.id }, h("div.fs-row", {}, h("h3", {}, figure.title), h("span.fs-grow"),
        h("button.fs-link", { type: "button", onclick: picture, title: "Download the chart as a picture" }, "PNG"), h("button.fs-link", { type: "button", onclick: table, title: "Download the numbers" }, "CSV")), plot);
    },

    // For a picture to take home: on white, with its title.
    async paper(Plotly, figure) {
      const { data, layout } = themed(figure, { text: "#1e293b", soft: "#475569", line: "#e2e8f0", mark: "#6366f1", dark: false });
      return { data, layout: { ...layout, paper_bgcolor: "#fff", plot_bgcolor: "#fff", height: undefined, title: { text: figure.title }, margin: { l: 70, r: 30, t: 60, b: 60 } } };
    },
  });
})();
