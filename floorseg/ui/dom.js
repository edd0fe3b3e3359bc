// Elements, icons and messages: what every part of the page is built from.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});

  // h("button.fs-b", {onclick, title}, "text", child, ...)
  function h(spec, props = {}, ...children) {
    const [tag, ...classes] = spec.split(".");
    const element = document.createElement(tag);
    if (classes.length) element.className = classes.join(" ");
    for (const [key, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key in element && typeof value !== "string") element[key] = value;
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  const PATHS = { // drawn on a 24 x 24 grid, stroked
    click: "M5 3l14 8-6 1.5L10 19z", plus: "M12 5v14M5 12h14", minus: "M5 12h14",
    select: "M4 4h4M4 4v4M20 4h-4M20 4v4M4 20h4M4 20v-4M20 20h-4M20 20v-4M9 12h6M12 9v6",
    pan: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
    brush: "M14 4l6 6-8 8-6-6zM6 12l-3 9 9-3", erase: "M8 20h12M5 15l9-10 6 6-8 9H9z",
    split: "M12 3v4M12 10v4M12 17v4M4 7h4v10H4zM16 7h4v10h-4z", merge: "M4 5h9v9H4zM11 10h9v9h-9z",
    scale: "M3 15L15 3l6 6L9 21zM7 11l2 2M11 7l2 2M15 11l-2-2",
    undo: "M9 14L4 9l5-5M4 9h10a6 6 0 010 12h-3", redo: "M15 14l5-5-5-5M20 9H10a6 6 0 000 12h3",
    fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5", help: "M9 9a3 3 0 115 2c-1.500 1-2 1.500-2 3M12 18v.5",
    trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13", eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 100 6 3 3 0 000-6",
    hidden: "M3 3l18 18M10 6c7-2 12 6 12 6l-3 4M6 8c-3 2-4 4-4 4s4 7 10 7l4-1", check: "M4 12l5 6L20 6", close: "M6 6l12 12M18 6L6 18",
    open: "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4", download: "M12 4v12M7 11l5 5 5-5M4 20h16", rooms: "M3 3h18v18H3zM3 11h9M12 3v18M12 15h9",
    label: "M4 4h9l7 8-7 8H4z",
  };

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", PATHS[name]);
    svg.append(path);
    return svg;
  }

  // A button with an icon; its name is read aloud and shown on hover.
  function tool(name, title, onclick, text = "") {
    return h("button.fs-tool", { type: "button", title, "aria-label": title, onclick }, icon(name), text && h("span", {}, text));
  }

  // One sentence in the corner of `host`; a problem stays until it is clicked away or replaced.
  // `action` is [what a button says, what it does].
  function say(host, sentence, { problem = false, action = null } = {}) {
    hush(host);
    const close = () => toast.remove();
    const toast = h(`div.fs-toast.fs-over${problem ? ".fs-problem" : ""}`, { role: problem ? "alert" : "status" }, h("span", {}, sentence),
      action && h("button.fs-link", { type: "button", onclick: () => { close(); action[1](); } }, action[0]),
      h("button", { type: "button", "aria-label": "Close", onclick: close }, "×"));
    host.append(toast);
    setTimeout(close, problem || action ? 15000 : 4500);
  }

  function hush(host) {
    host.querySelectorAll(".fs-toast").forEach((old) => old.remove());
  }

  // Files dropped on `root`, or pasted while it is shown and no field is written in, go to `take`.
  function takesFiles(root, take) {
    const over = (on) => root.classList.toggle("fs-dropping", on);
    root.addEventListener("dragover", (event) => { event.preventDefault(); over(true); });
    root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) over(false); });
    root.addEventListener("drop", (event) => { event.preventDefault(); event.stopPropagation(); over(false); take([...event.dataTransfer.files]); });
    document.addEventListener("paste", (event) => {
      if (!root.offsetParent || (event.target.closest && event.target.closest("input, textarea"))) return;
      const files = [...event.clipboardData.files];
      if (files.length) { event.preventDefault(); take(files); }
    });
  }

  class ServerProblem extends Error {
    constructor(answer) {
      super(answer.error);
      this.kind = answer.kind;
    }
  }

  // Calls of the server that end in a value or in a sentence.
  function caller(server) {
    return async (name, payload = {}) => {
      const answer = await server[name](payload);
      if (answer === undefined || answer === null) throw new ServerProblem({ error: "The server gave no answer; check the connection or reload the page.", kind: "silent" });
      if (answer.error) throw new ServerProblem(answer);
      return answer;
    };
  }

  Object.assign(floorseg, { h, icon, tool, say, hush, takesFiles, caller, ServerProblem });
})();
