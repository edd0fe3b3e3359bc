// A plan's file on its way to the server, and the turning of a PDF's pages: in Segment and Compare.
(() => {
  const floorseg = window.floorseg, { h, ServerProblem } = floorseg;

  // Where the server keeps the file now. `limit` is in MB; `advice` is what to do about a larger one.
  async function sendFile(upload, file, limit, advice = "save it smaller, as JPEG for example") {
    const name = file.name || "The picture";
    if (file.size > limit * 1e6) throw new ServerProblem({ error: `${name} has ${(file.size / 1e6).toFixed(1)} MB, more than the limit of ${limit} MB; ${advice}.` });
    try {
      return (await upload(file)).path;
    } catch {
      throw new ServerProblem({ error: `${name} could not be sent; check the connection and its size.` });
    }
  }

  // "‹ page 2 of 5 ›", where there is more than one; `turn` opens the page with the number it is given.
  class PageTurner {
    constructor() {
      this.element = h("span.fs-pages", { hidden: true });
    }

    show({ page, pages }, turn) {
      const to = (number, title, text) => h("button.fs-mini", { type: "button", disabled: number < 1 || number > pages, onclick: () => turn(number), "aria-label": title }, text);
      this.element.hidden = !(turn && pages > 1);
      this.element.replaceChildren(to(page - 1, "Page before", "‹"), ` page ${page} of ${pages} `, to(page + 1, "Next page", "›"));
    }
  }

  Object.assign(floorseg, { sendFile, PageTurner });
})();
