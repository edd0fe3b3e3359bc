// The Compare tab: one plan, one set of prompts, two to four checkpoints.
//
// An answer is kept under everything it was asked with (plan, checkpoint, clicks, box) and shown only
// where all of that is current: switching checkpoints or plans can never show another one's mask.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const { h, icon, masks, say, ServerProblem } = floorseg;
  const LETTERS = ["A", "B", "C", "D"], COLOURS = [[234, 88, 12], [37, 99, 235], [147, 51, 234], [13, 148, 136]];
  const ANSWERS = 400; // kept, so that going back costs nothing

  const iou = (a, b) => {
    const shared = masks.overlap(a, b), all = a.area + b.area - shared;
    return all ? shared / all : null;
  };

  class ComparePage {
    constructor(root, server, upload) {
      this.call = floorseg.caller(server);
      this.upload = upload;
      this.root = root;
      Object.assign(this, { facts: null, plan: null, sample: null, scanned: null, parted: null });
      this.slots = [];
      this.pair = [0, 1];
      this.prompt = { points: [], box: null };
      this.past = [];
      this.answers = new Map();
      this.pending = new Set();
      this.problems = new Map();
      this.truths = [];
      this.showTruth = true;
      this.away = false;
      this.view = "side";
      this.build();
      this.waitUntilSeen();
      window.addEventListener("floorseg:compare", (event) => this.openWith(event.detail));
    }

    // ---- layout

    build() {
      this.page = h("div.fs-page", {}, this.buildOpen(), h("div.fs-main.fs-compare", {}, h("div.fs-work", {}, this.buildBar(), this.buildViews(), this.buildStatus()), this.buildSide()));
      this.root.append(this.page);
      this.buildKeys();
    }

    buildOpen() {
      this.file = h("input", { type: "file", hidden: true, accept: "image/*,.pdf,.tif,.tiff,.heic", onchange: () => { if (this.file.files[0]) this.openFile(this.file.files[0]); this.file.value = ""; } });
      this.title = h("span.fs-title");
      this.pages = new floorseg.PageTurner();
      this.examples = h("div.fs-examples", { role: "group", "aria-label": "Examples" });
      floorseg.takesFiles(this.root, ([file]) => { if (file) this.openFile(file); });
      this.fromSegment = h("button.fs-link", { type: "button", hidden: true, title: "Compare on the plan that is open in Segment", onclick: () => this.openSegmented() }, "The plan from Segment");
      return h("div.fs-open", {}, h("button.fs-button", { type: "button", onclick: () => this.file.click() }, icon("open"), h("span", {}, "Open a plan")), this.file, this.title, this.pages.element, this.fromSegment, h("span.fs-grow"),
        h("span.fs-small.fs-wide", {}, "Examples"), this.examples);
    }

    buildStatus() {
      this.status = h("div.fs-status", { role: "status", "aria-live": "polite" });
      return this.status;
    }

    // ---- the start: when somebody looks, not before

    waitUntilSeen() {
      const watch = new IntersectionObserver((seen) => {
        if (!seen.some((entry) => entry.isIntersecting)) return;
        if (!this.greeted) this.greeted = this.greet();
        else this.refresh();
      });
      watch.observe(this.page);
    }

    async greet() {
      try {
        this.takeFacts(await this.call("hello_compare"));
        this.slots = this.facts.first.slice();
        this.fillExamples();
        this.render();
        const asked = floorseg.askedComparison;
        if (asked) await this.openWith(asked);
        else if (!this.plan) await this.openFirst();
      } catch (problem) {
        this.report(problem);
      }
    }

    // New checkpoints appear without a reload.
    async refresh() {
      try {
        this.takeFacts(await this.call("hello_compare"));
        if (this.slots.length < 2) this.slots = this.facts.first.slice();
        this.render();
      } catch (problem) {
        this.report(problem);
      }
    }

    takeFacts(facts) {
      this.facts = facts;
      this.fillDatasets();
    }

    // What the visitor has open in Segment, else an example with its click.
    async openFirst() {
      if (floorseg.segmented) return this.openSegmented();
      if (this.facts.examples.length) return this.openExample(this.greeting());
    }

    greeting() {
      const known = this.facts.examples.map((example) => example.name);
      return Object.keys(this.facts.clicks).find((name) => known.includes(name)) || known[0];
    }

    fillExamples() {
      this.examples.replaceChildren(...this.facts.examples.map((example) => h("button.fs-example", { type: "button", title: example.title, "aria-label": `Example: ${example.title}`,
        onclick: () => this.openExample(example.name) }, h("img", { src: example.thumbnail, alt: "" }))));
    }

    report(problem) {
      if (!(problem instanceof ServerProblem)) console.error(problem);
      say(this.stages, problem.message || String(problem), { problem: true });
    }

    // ---- opening

    async openFile(file) {
      await this.greeted;
      return this.openUpload({ file, page: 1 });
    }

    async openSegmented() {
      const source = floorseg.segmented;
      return source.example ? this.openExample(source.example) : this.openUpload(source);
    }

    // Whether the plan shown is the one that is open in Segment.
    isSegmented() {
      const here = this.plan && this.plan.source, there = floorseg.segmented;
      return here === there || Boolean(here && there && there.example && here.example === there.example);
    }

    async openUpload(source) {
      const { file, page } = source;
      return this.opened(async () => {
        const path = await floorseg.sendFile(this.upload, file, this.facts.max_upload_mb);
        return this.call("open_plan", { path, name: file.name || "pasted.png", page });
      }, null, source);
    }

    async openExample(name) {
      const at = this.facts.clicks[name];
      return this.opened(() => this.call("open_example", { name }), at ? { points: [{ x: at[0], y: at[1], inside: true }], box: null } : null, { example: name });
    }

    async openSample(which, prompt = null) {
      return this.opened(() => this.call("open_sample", which), prompt, which);
    }

    async opened(send, prompt = null, source = null) {
      const turn = (this.turn = (this.turn || 0) + 1); // the last one asked for wins
      this.tell("Opening …");
      try {
        const answer = await send();
        const image = await createImageBitmap(await (await fetch(answer.picture)).blob());
        if (this.turn !== turn) return;
        this.plan = { token: answer.plan, serial: turn, width: answer.width, height: answer.height, name: answer.file || answer.name, source, again: send,
          grown: answer.full_width / answer.width };
        this.sample = answer.row === undefined ? null : { dataset: source.dataset, split: source.split || "", row: answer.row, place: answer.place, of: answer.of, file: answer.file };
        this.truths = (answer.truths || []).map((truth) => ({ ...truth, mask: masks.fromWire(truth.mask) }));
        this.title.textContent = `${this.plan.name} · ${answer.full_width} × ${answer.full_height} px`;
        this.pages.show(answer, source && source.file ? (page) => this.openUpload({ file: source.file, page }) : null);
        this.showPlan(image);
        this.past = [];
        this.prompt = prompt ? this.shrunk(prompt) : { points: [], box: null };
        this.tell("");
        this.render();
        if (prompt && this.sample) this.approach();
        this.askAll();
        if (!prompt) this.prepare();
      } catch (problem) {
        if (this.turn === turn) { this.tell(""); this.report(problem); }
      }
    }

    // Prompts of reports and scans are in pixels of the picture; large plans are shown smaller.
    shrunk(prompt) {
      const by = 1 / (this.plan.grown || 1);
      return { points: prompt.points.map((p) => ({ ...p, x: p.x * by, y: p.y * by })), box: prompt.box && prompt.box.map((v) => v * by) };
    }

    // From another tab: {dataset, row, points, box, checkpoints}.
    async openWith(asked) {
      floorseg.askedComparison = null;
      if (!asked || asked === this.lastAsked) return;
      this.lastAsked = asked;
      await (this.greeted && this.facts ? null : this.greeted);
      const known = (asked.checkpoints || []).filter((name) => this.facts.checkpoints.some((c) => c.name === name));
      if (known.length) this.slots = [...new Set([...known, ...this.slots])].slice(0, Math.max(2, known.length));
      await this.openSample({ dataset: asked.dataset, row: asked.row, split: asked.split || "" }, { points: asked.points || [], box: asked.box || null });
      await this.nameDataset(asked.dataset, asked.split).catch((problem) => this.report(problem));
    }

    // ---- prompts

    tap(p, how) {
      const inside = !(how.away !== this.away);
      this.become({ points: [...this.prompt.points, { x: p.x, y: p.y, inside }], box: this.prompt.box });
    }

    drawn(box) {
      if (box[2] - box[0] >= 2 && box[3] - box[1] >= 2) this.become({ points: [], box });
    }

    become(prompt, { remember = true } = {}) {
      if (!this.plan) return;
      if (remember) this.past.push(this.prompt);
      this.prompt = prompt;
      this.render();
      this.askAll();
    }

    undo() {
      if (this.past.length) this.become(this.past.pop(), { remember: false });
    }

    clear() {
      if (this.asking()) this.become({ points: [], box: null });
    }

    asking() {
      return this.prompt.points.length > 0 || Boolean(this.prompt.box);
    }

    key(checkpoint) {
      return JSON.stringify([this.plan.serial, checkpoint, this.prompt]);
    }

    answerOf(slot) {
      return this.plan && this.asking() ? this.answers.get(this.key(this.slots[slot])) : undefined;
    }

    askAll() {
      if (!this.plan || !this.asking()) return;
      for (const checkpoint of new Set(this.slots)) this.askOne(checkpoint);
    }

    async askOne(checkpoint) {
      const key = this.key(checkpoint), plan = this.plan, round = (n) => Math.round(n * 10) / 10;
      if (!checkpoint || this.answers.has(key) || this.pending.has(key)) return;
      const payload = { checkpoint, points: this.prompt.points.map((p) => [round(p.x), round(p.y), p.inside ? 1 : 0]), box: this.prompt.box && this.prompt.box.map(round) };
      this.pending.add(key);
      this.problems.delete(key);
      this.render();
      try {
        const answer = await this.withPlan(plan, "ask", payload);
        if (answer.checkpoint !== checkpoint) throw new ServerProblem({ error: "The server answered for another checkpoint; click again." });
        this.answers.set(key, { ...answer, mask: masks.fromWire(answer.mask) });
        if (this.answers.size > ANSWERS) this.answers.delete(this.answers.keys().next().value);
      } catch (problem) {
        this.problems.set(key, problem.message);
        if (!(problem instanceof ServerProblem)) console.error(problem);
      } finally {
        this.pending.delete(key);
        this.render();
      }
    }

    // The server may have forgotten the plan: then it gets it once more.
    async withPlan(plan, name, payload) {
      try {
        return await this.call(name, { ...payload, plan: plan.token });
      } catch (problem) {
        if (problem.kind !== "PlanGone") throw problem;
        plan.token = (await plan.again()).plan;
        return this.call(name, { ...payload, plan: plan.token });
      }
    }

    // Encodings before the first click, one after the other.
    async prepare() {
      const plan = this.plan;
      for (const checkpoint of new Set(this.slots)) {
        if (plan !== this.plan || !checkpoint) return;
        this.tell(`${checkpoint} reads the plan …`);
        try {
          await this.withPlan(plan, "prepare", { checkpoint });
        } catch (problem) {
          if (plan === this.plan) this.report(problem);
        }
      }
      if (plan === this.plan) this.tell("Ready: click a room, or drag a box. Every checkpoint gets the same click.");
    }

    tell(text) {
      this.status.textContent = text;
    }

    // ---- truth and agreement

    // The smallest annotated object under the first click, or in the middle of the box.
    truth() {
      const { points, box } = this.prompt, first = points.find((p) => p.inside);
      const at = first || (box && { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 });
      if (!at) return null;
      const under = this.truths.filter((truth) => masks.contains(truth.mask, at.x, at.y));
      return under.sort((a, b) => a.mask.area - b.mask.area)[0] || null;
    }

    render() {
      if (!this.facts) return;
      this.fromSegment.hidden = !floorseg.segmented || this.isSegmented();
      this.renderViews();
      this.renderSide();
    }
  }

  Object.assign(floorseg, { ComparePage, compareParts: { LETTERS, COLOURS, iou } });
  floorseg.mountCompare = (element, server, upload) => {
    const root = element.querySelector(".fs-root");
    if (root && !root.firstChild) root.page = new ComparePage(root, server, upload);
  };
})();
