// The RLE inspector's pictures: the runs as a coloured strip, and the mask they decode to.
(() => {
  const { RleInspector, runColour: colourOf } = window.floorseg;
  const number = new Intl.NumberFormat("en-US");
  const CELLS = 300; // pixels up to which the strip shows each of them

  Object.assign(RleInspector.prototype, {
    // ---- the strip

    drawStrip(lit) {
      const { strip: { values, counts }, run_count: count, size: [height], order } = this.answer;
      const total = counts.reduce((sum, n) => sum + Math.max(0, n), 0), room = this.stripBox.clientWidth;
      this.strip.hidden = !total || !room;
      if (this.strip.hidden) return;
      const cells = total <= CELLS, width = Math.min(12000, Math.max(room, cells ? total * 12 : counts.length * 5)), tall = cells ? 46 : 36;
      const context = sized(this.strip, width, tall), tone = tones(this.strip), unit = width / total;
      this.edges = [];
      let at = 0;
      counts.forEach((length, run) => {
        const wide = Math.max(0, length) * unit;
        this.edges.push(at + wide);
        context.fillStyle = colourOf(values[run], tone.paper);
        context.fillRect(at, 0, Math.max(wide, 0.5), 30);
        if (run === lit) { context.fillStyle = tone.lit; context.fillRect(at, 30, Math.max(wide, 2), 4); }
        context.fillStyle = values[run] ? "#fff" : tone.soft;
        if (wide > 20) label(context, number.format(length), at + wide / 2, 15, wide);
        at += wide;
      });
      context.strokeStyle = tone.line;
      if (cells) for (let p = 0; p <= total; p++) bar(context, p * unit, 0, 30, p % height ? 0.5 : 1.5);
      context.fillStyle = tone.soft;
      const along = order.startsWith("down") ? "column" : "row";
      if (cells && height * unit > 60) for (let p = 0; p * height < total; p++) label(context, `${along} ${p}`, (p + 0.5) * height * unit, 40, height * unit);
      context.strokeRect(0.5, 0.5, width - 1, 29);
      this.stripNote.textContent = count > counts.length ? `The first ${number.format(counts.length)} of ${number.format(count)} runs.` : "";
    },

    runAt(event) {
      const x = event.clientX - this.strip.getBoundingClientRect().left;
      const run = (this.edges || []).findIndex((edge) => x < edge);
      return run < 0 ? null : run;
    },

    // ---- the mask

    drawPicture(lit) {
      const { picture, size: [height, width], runs, order } = this.answer;
      this.picture.hidden = !picture;
      if (!picture) return;
      const room = Math.max(120, Math.min(420, this.picture.parentElement.clientWidth || 300));
      const scale = Math.min(room / picture.w, 420 / picture.h, 34), context = sized(this.picture, picture.w * scale, picture.h * scale), tone = tones(this.picture);
      let p = 0;
      picture.counts.forEach((length, i) => {
        context.fillStyle = colourOf(picture.values[i], tone.paper);
        for (let left = length; left > 0; ) {
          const x = p % picture.w, n = Math.min(left, picture.w - x);
          context.fillRect(x * scale, Math.floor(p / picture.w) * scale, n * scale + 0.6, scale + 0.6);
          p += n;
          left -= n;
        }
      });
      context.strokeStyle = tone.line;
      if (scale >= 8) {
        for (let x = 0; x <= picture.w; x++) bar(context, x * scale, 0, picture.h * scale, 0.5);
        for (let y = 0; y <= picture.h; y++) { context.fillStyle = tone.line; context.fillRect(0, y * scale - 0.25, picture.w * scale, 0.5); }
      }
      if (lit !== null && runs[lit]) this.drawRun(context, runs[lit], order.startsWith("down"), picture.w * scale / width, picture.h * scale / height, tone);
    },

    drawRun(context, run, byColumn, sx, sy, tone) {
      const [height, width] = this.answer.size, side = byColumn ? height : width;
      let line = byColumn ? run.column : run.row, place = byColumn ? run.row : run.column;
      context.fillStyle = tone.veil;
      context.strokeStyle = tone.lit;
      context.lineWidth = 2;
      for (let left = run.length, drawn = 0; left > 0 && drawn < 5000; drawn++) {
        const n = Math.min(left, side - place), box = byColumn ? [line * sx, place * sy, sx, n * sy] : [place * sx, line * sy, n * sx, sy];
        context.fillRect(...box);
        if (Math.min(sx, sy) >= 4) context.strokeRect(...box);
        left -= n;
        line += 1;
        place = 0;
      }
    },
  });

  function sized(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    return context;
  }

  function tones(element) {
    const style = getComputedStyle(element), read = (name) => style.getPropertyValue(name).trim(), dark = document.body.classList.contains("dark");
    return { soft: read("--body-text-color-subdued"), line: read("--border-color-primary"), paper: dark ? "#1e293b" : "#f1f5f9", lit: dark ? "#fde047" : "#111827", veil: dark ? "rgba(253,224,71,.35)" : "rgba(17,24,39,.28)" };
  }

  function label(context, text, x, y, room) {
    if (context.measureText(text).width < room - 2) context.fillText(text, x, y);
  }

  function bar(context, x, top, bottom, width) {
    context.fillStyle = context.strokeStyle;
    context.fillRect(x - width / 2, top, width, bottom - top);
  }
})();
