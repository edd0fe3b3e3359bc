// The Evaluate tab: what to evaluate, what is going on, and which reports to look at.
//
// The server's folders are the memory: the list is the same after a reload, in another browser, and
// after a restart. It is looked at again only while something runs and the tab is open.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h, icon, say, ServerProblem } = floorseg;
  const EVERY = 2000; // ms between two looks at what runs
  const LIVE = ["running", "queued"];
  const option = (value, text, selected) => h("option", { value, selected: Boolean(selected) }, text);

  function duration(seconds) {
    if (seconds === null || seconds === undefined) return "unknown";
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  class EvaluatePage {
    constructor(root, server) {
      this.call = floorseg.caller(server);
      this.root = root;
      this.chosen = new Set();
      this.base = "";
      this.list = [];
      Object.assign(this, { facts: null, board: null });
      this.build();
      new IntersectionObserver((seen) => {
        this.open = seen.some((entry) => entry.isIntersecting);
        if (this.open) this.greet();
      }).observe(this.page);
    }

    build() {
      this.page = h("div.fs-page.fs-evaluate", {}, h("div.fs-evalgrid", {}, h("div.fs-side", {}, this.buildForm(), this.buildList()), this.buildResults()));
      this.root.append(this.page);
    }

    report(problem) {
      const refused = /403|Forbidden/.test(String(problem.message)) || problem.status === 403;
      if (!(problem instanceof ServerProblem) && !refused) console.error(problem);
      say(this.page, refused ? "This page may not start or change evaluations." : problem.message || String(problem), { problem: true });
    }

    // ---- the form

    buildForm() {
      const change = () => this.planSoon();
      this.checkBoxes = h("div.fs-checks", { role: "group", "aria-label": "Checkpoints; the first chosen is the base" });
      this.datasetMenu = h("select.fs-input", { "aria-label": "Dataset to evaluate on", onchange: () => this.chooseDataset() });
      this.splitMenu = h("select.fs-input", { "aria-label": "Split to evaluate on", onchange: change });
      this.protocolMenu = h("select.fs-input", { "aria-label": "Protocol", onchange: change });
      this.protocolNote = h("p.fs-note");
      this.limit = h("input.fs-input", { type: "number", min: "0", value: "0", "aria-label": "Pictures at most, 0 for all", onchange: change });
      this.clicks = h("input.fs-input", { type: "number", min: "0", max: "100", value: "0", "aria-label": "Clicks at most, 0 for the protocol's own", onchange: change });
      this.estimate = h("p.fs-note", { role: "status" });
      this.command = h("pre.fs-command", { tabindex: "0", "aria-label": "The command" });
      this.startButton = h("button.fs-button.fs-primary", { type: "button", onclick: () => this.start() }, "Evaluate");
      const field = (text, ...inputs) => h("label.fs-field", {}, h("span.fs-name", {}, text), ...inputs);
      this.form = h("div.fs-formbody", {}, h("div", {}, h("span.fs-small", {}, "Checkpoints (the base first)"), this.checkBoxes), field("Dataset", this.datasetMenu), field("Split", this.splitMenu), field("Protocol", this.protocolMenu), this.protocolNote,
        field("Pictures, 0: all", this.limit), field("Clicks, 0: usual", this.clicks), h("div.fs-row", {}, this.startButton, this.estimate), h("details", {}, h("summary.fs-small", {}, "The same as a command"), this.command));
      this.formNote = h("p.fs-note", { hidden: true });
      return h("section.fs-card.fs-first", {}, h("h3", {}, "New evaluation"), this.formNote, this.form);
    }

    async greet() {
      try {
        this.facts = await this.call("hello_evaluate");
        this.zipButton.hidden = this.facts.public; // its pictures are the server's
        this.fillForm();
        await this.look();
      } catch (problem) {
        this.report(problem);
      }
    }

    fillForm() {
      const { facts } = this, missing = facts.public ? "This page is public: evaluations are started on your own computer with “python -m eval”. Finished reports are shown below."
        : !facts.checkpoints.length ? "There are no checkpoints yet: put one into the checkpoints folder, or train one in the Train tab."
        : !facts.datasets.length ? "There are no datasets under the data root: put a folder with annotations there, or draw one in the Dataset tab." : "";
      this.formNote.hidden = !missing;
      this.formNote.textContent = missing;
      this.form.hidden = Boolean(missing);
      const before = this.wanted || facts.checkpoints.slice(0, 2).map((c) => c.name);
      this.wanted = before.filter((name) => facts.checkpoints.some((c) => c.name === name));
      this.checkBoxes.replaceChildren(...facts.checkpoints.map((c) => h("label.fs-row", {}, h("input", { type: "checkbox", checked: this.wanted.includes(c.name), onchange: (event) => this.want(c.name, event.target.checked) }),
        h("span", {}, c.name), h("span.fs-small", {}, c.title), h("span.fs-basemark", { "data-name": c.name }))));
      const { value } = this.datasetMenu;
      this.datasetMenu.replaceChildren(option("", "Choose a dataset"), ...facts.datasets.map((name) => option(name, name, name === value)));
      const protocol = this.protocolMenu.value || "click";
      this.protocolMenu.replaceChildren(...facts.protocols.map((p) => option(p.name, p.name, p.name === protocol)));
      this.showForm();
    }

    want(name, on) {
      this.wanted = on ? [...this.wanted, name] : this.wanted.filter((other) => other !== name);
      this.showForm();
      this.planSoon();
    }

    showForm() {
      for (const badge of this.checkBoxes.querySelectorAll(".fs-basemark")) badge.textContent = badge.dataset.name === this.wanted[0] ? "base" : "";
      const chosen = this.facts.protocols.find((p) => p.name === this.protocolMenu.value);
      this.protocolNote.textContent = chosen ? chosen.summary : "";
      this.startButton.disabled = !this.wanted.length || !this.datasetMenu.value;
      this.clicks.closest("label").hidden = !["click", "jitter"].includes(this.protocolMenu.value);
    }

    async chooseDataset() {
      this.splitMenu.replaceChildren();
      if (this.datasetMenu.value) {
        try {
          const { splits } = await this.call("splits_of", { dataset: this.datasetMenu.value });
          const best = splits.find(([name]) => name === "test") || splits.find(([name]) => name === "valid") || splits[0] || [""];
          this.splitMenu.replaceChildren(...splits.map(([name, count]) => option(name, `${name || "all"} (${count} pictures)`, name === best[0])));
        } catch (problem) {
          this.report(problem);
        }
      }
      this.planSoon();
    }

    asked() {
      return { checkpoints: this.wanted, dataset: this.datasetMenu.value, split: this.splitMenu.value, protocol: this.protocolMenu.value,
        limit: Math.max(0, Math.floor(Number(this.limit.value) || 0)), clicks: Math.max(0, Math.floor(Number(this.clicks.value) || 0)) };
    }

    planSoon() {
      this.showForm();
      clearTimeout(this.planning);
      this.planning = setTimeout(() => this.plan(), 250);
    }

    async plan() {
      this.estimate.textContent = this.command.textContent = "";
      if (this.startButton.disabled) return;
      try {
        const { command, seconds, basis } = await this.call("plan_evaluation", this.asked());
        this.command.textContent = command;
        this.estimate.textContent = `about ${duration(seconds)} (${basis})`;
      } catch (problem) {
        this.report(problem);
      }
    }

    async start() {
      this.startButton.disabled = true;
      try {
        await this.call("start_evaluation", this.asked());
        say(this.page, "Started. It goes on when you close this page.");
        await this.look();
      } catch (problem) {
        this.report(problem);
      } finally {
        this.showForm();
      }
    }

    // ---- the list

    buildList() {
      this.listBox = h("div.fs-evallist");
      return h("section.fs-card", {}, h("div.fs-row", {}, h("h3", {}, "Evaluations"), h("span.fs-grow"), h("button.fs-link", { type: "button", onclick: () => this.look() }, "Look again")), this.listBox);
    }

    async look() {
      clearTimeout(this.waiting);
      const turn = (this.turn = (this.turn || 0) + 1);
      let live = true; // also after a failure: the server may be starting anew
      try {
        const { evaluations } = await this.call("list_evaluations");
        if (turn !== this.turn) return;
        const finished = this.list.length ? new Set(this.list.flatMap((one) => one.reports.map((r) => r.name))) : null;
        this.list = evaluations;
        live = evaluations.some((one) => LIVE.includes(one.state));
        this.chooseNew(finished);
        this.renderList();
      } catch (problem) {
        if (this.list.length === 0) this.report(problem);
      }
      if (live && this.open) this.waiting = setTimeout(() => this.look(), EVERY);
    }

    // The newest evaluation is shown at first; one that has just finished is shown too.
    chooseNew(before) {
      const usable = (one) => one.reports.filter((r) => !r.problem).map((r) => r.name);
      const known = new Set(this.list.flatMap(usable));
      for (const name of this.chosen) if (!known.has(name)) this.chosen.delete(name);
      const fresh = before && this.list.find((one) => !LIVE.includes(one.state) && usable(one).some((name) => !before.has(name)));
      const shown = fresh || (!this.chosen.size && this.list.find((one) => usable(one).length));
      if (!shown) return;
      this.chosen = new Set(usable(shown));
      this.base = usable(shown)[0];
      this.showBoard();
    }

    renderList() {
      if (!this.list.length) return this.listBox.replaceChildren(h("p.fs-note", {}, "There are no evaluations yet. Choose checkpoints and a dataset above and press Evaluate; reports made with “python -m eval --out reports/NAME” appear here too."));
      this.listBox.replaceChildren(...this.list.map((one) => this.card(one)));
    }

    card(one) {
      const live = LIVE.includes(one.state), may = one.ours && !(this.facts && this.facts.public);
      const act = (name, call, title) => h("button.fs-link", { type: "button", title, onclick: () => this.act(call, one) }, name);
      const left = one.state === "queued" ? "waits for its turn" : one.seconds_left !== null ? `about ${duration(one.seconds_left)} left` : "";
      return h("article.fs-eval", { "data-name": one.name }, h("div.fs-row", {}, h("b", { title: one.command }, one.name), h("span.fs-grow"), h(`span.fs-state.fs-${one.state}`, {}, one.state)),
        live && h("progress", { max: Math.max(1, one.total), value: one.done, "aria-label": `Progress of ${one.name}` }),
        (live || one.done < one.total) && h("p.fs-small", {}, `${one.done} of ${one.total || "?"} pictures${left ? `, ${left}` : ""}`),
        one.message && h("p.fs-note", {}, one.message),
        ...one.reports.map((report) => this.reportLine(report)),
        may && h("div.fs-row", {}, live && act("Stop", "stop_evaluation", "Ends after the current picture; it can go on later"), !live && one.state !== "finished" && act("Go on", "resume_evaluation", "Nothing that is done is computed again"),
          !live && this.deleting === one.name && act("Really delete", "delete_evaluation", "Removes the folder with its reports"),
          !live && this.deleting !== one.name && h("button.fs-link", { type: "button", onclick: () => { this.deleting = one.name; this.renderList(); } }, "Delete"),
          one.command && h("button.fs-link", { type: "button", title: one.command, onclick: () => this.copy(one.command) }, "Copy command")));
    }

    reportLine(report) {
      if (report.problem) return h("p.fs-note", {}, `${report.name}: ${report.problem}`);
      return h("label.fs-row.fs-report", {}, h("input", { type: "checkbox", checked: this.chosen.has(report.name), onchange: (event) => this.choose(report.name, event.target.checked) }),
        h("span.fs-reportname", { title: report.name }, report.checkpoint), h("span.fs-small", {}, `${report.data}${report.split ? `/${report.split}` : ""} · ${report.protocol} · ${report.images}`), h("span.fs-grow"),
        h("b.fs-num", { title: "mean IoU after the first prompt" }, report.iou === null ? "" : report.iou.toFixed(3)));
    }

    choose(name, on) {
      if (on) this.chosen.add(name); else this.chosen.delete(name);
      if (!this.chosen.has(this.base)) this.base = [...this.chosen][0] || "";
      this.showBoard();
    }

    async act(call, one) {
      try {
        await this.call(call, { name: one.name });
        this.deleting = null;
        await this.look();
      } catch (problem) {
        this.report(problem);
      }
    }

    async copy(text) {
      try { await navigator.clipboard.writeText(text); say(this.page, "Copied."); } catch { say(this.page, text); }
    }
  }

  Object.assign(floorseg, { EvaluatePage, duration });
  floorseg.mountEvaluate = (element, server) => {
    const root = element.querySelector(".fs-root");
    if (root && !root.firstChild) root.page = new EvaluatePage(root, server);
  };
})();
