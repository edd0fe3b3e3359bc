// Masks in the browser: run lengths inside a bounding box, never changed once made.
//
// A mask is {x, y, w, h, runs, area}: the box in pixels of the plan, and COCO's run lengths of its
// content (down the columns, zeros first). Every operation gives a new mask, so undo costs nothing.
(() => {
  const floorseg = (window.floorseg = window.floorseg || {});
  const EMPTY = Object.freeze({ x: 0, y: 0, w: 0, h: 0, runs: new Uint32Array(0), area: 0 });

  // COCO's character code: six bits a character, differences to the run two before.
  function unpack(text) {
    const runs = [];
    let place = 0;
    while (place < text.length) {
      let value = 0, shift = 0, code;
      do {
        code = text.charCodeAt(place++) - 48;
        value |= (code & 31) << shift;
        shift += 5;
      } while (code & 32);
      if (code & 16 && shift < 32) value |= -1 << shift;
      if (runs.length > 2) value += runs[runs.length - 2];
      runs.push(value);
    }
    return Uint32Array.from(runs);
  }

  function pack(runs) {
    let text = "";
    for (let i = 0; i < runs.length; i++) {
      let value = i > 2 ? runs[i] - runs[i - 2] : runs[i];
      for (let more = true; more; ) {
        let code = value & 31;
        value >>= 5;
        more = code & 16 ? value !== -1 : value !== 0;
        if (more) code |= 32;
        text += String.fromCharCode(code + 48);
      }
    }
    return text;
  }

  function areaOf(runs) {
    let area = 0;
    for (let i = 1; i < runs.length; i += 2) area += runs[i];
    return area;
  }

  const fromWire = (wire) => {
    if (!wire.w || !wire.h) return EMPTY;
    const runs = unpack(wire.counts);
    return { x: wire.x, y: wire.y, w: wire.w, h: wire.h, runs, area: areaOf(runs) };
  };
  const toWire = (mask) => ({ x: mask.x, y: mask.y, w: mask.w, h: mask.h, counts: pack(mask.runs) });

  // Row-major bytes, 0 or 1, of a box (by default the mask's own).
  function bits(mask, box = mask) {
    const out = new Uint8Array(box.w * box.h);
    const dx = mask.x - box.x, dy = mask.y - box.y;
    let at = 0;
    for (let i = 0; i < mask.runs.length; i++) {
      const end = at + mask.runs[i];
      if (i & 1) {
        for (let p = at; p < end; p++) {
          const cx = (p / mask.h) | 0;
          const x = cx + dx, y = p - cx * mask.h + dy;
          if (x >= 0 && y >= 0 && x < box.w && y < box.h) out[y * box.w + x] = 1;
        }
      }
      at = end;
    }
    return out;
  }

  // The mask of row-major bytes in a box, cut tight.
  function fromBits(data, box) {
    let left = box.w, right = -1, top = box.h, bottom = -1;
    for (let y = 0, p = 0; y < box.h; y++) {
      for (let x = 0; x < box.w; x++, p++) {
        if (!data[p]) continue;
        if (x < left) left = x;
        if (x > right) right = x;
        if (y < top) top = y;
        bottom = y;
      }
    }
    if (right < 0) return EMPTY;
    const w = right - left + 1, h = bottom - top + 1, runs = [];
    let value = 0, length = 0, area = 0;
    for (let x = left; x <= right; x++) {
      for (let y = top, p = top * box.w + x; y <= bottom; y++, p += box.w) {
        const bit = data[p] ? 1 : 0;
        area += bit;
        if (bit === value) length++;
        else { runs.push(length); value = bit; length = 1; }
      }
    }
    runs.push(length);
    return { x: box.x + left, y: box.y + top, w, h, runs: Uint32Array.from(runs), area };
  }

  const around = (...boxes) => {
    const some = boxes.filter((b) => b.w && b.h);
    if (!some.length) return { x: 0, y: 0, w: 0, h: 0 };
    const x = Math.min(...some.map((b) => b.x)), y = Math.min(...some.map((b) => b.y));
    const right = Math.max(...some.map((b) => b.x + b.w)), bottom = Math.max(...some.map((b) => b.y + b.h));
    return { x, y, w: right - x, h: bottom - y };
  };

  function union(...masks) {
    const box = around(...masks), out = new Uint8Array(box.w * box.h);
    for (const mask of masks) {
      const part = bits(mask), dx = mask.x - box.x, dy = mask.y - box.y;
      for (let y = 0, p = 0; y < mask.h; y++)
        for (let x = 0; x < mask.w; x++, p++) if (part[p]) out[(y + dy) * box.w + x + dx] = 1;
    }
    return fromBits(out, box);
  }

  // Number of pixels that two masks share.
  function overlap(a, b) {
    const x = Math.max(a.x, b.x), y = Math.max(a.y, b.y);
    const w = Math.min(a.x + a.w, b.x + b.w) - x, h = Math.min(a.y + a.h, b.y + b.h) - y;
    if (w <= 0 || h <= 0) return 0;
    const one = bits(a, { x, y, w, h }), two = bits(b, { x, y, w, h });
    let shared = 0;
    for (let p = 0; p < one.length; p++) shared += one[p] & two[p];
    return shared;
  }

  function contains(mask, x, y) {
    x = Math.floor(x) - mask.x;
    y = Math.floor(y) - mask.y;
    if (x < 0 || y < 0 || x >= mask.w || y >= mask.h) return false;
    const wanted = x * mask.h + y;
    for (let i = 0, at = 0; i < mask.runs.length; i++) {
      at += mask.runs[i];
      if (wanted < at) return Boolean(i & 1);
    }
    return false;
  }

  // Length of the outline in pixels, corners cut: 1 for each straight step, 0.707 for each corner.
  function perimeter(mask) {
    if (!mask.area) return 0;
    const w = mask.w + 2, h = mask.h + 2, padded = bits(mask, { x: mask.x - 1, y: mask.y - 1, w, h });
    const cost = [0, Math.SQRT1_2, Math.SQRT1_2, 1, Math.SQRT1_2, 1, Math.SQRT2, Math.SQRT1_2,
      Math.SQRT1_2, Math.SQRT2, 1, Math.SQRT1_2, 1, Math.SQRT1_2, Math.SQRT1_2, 0];
    let length = 0;
    for (let y = 0; y < h - 1; y++)
      for (let x = 0, p = y * w; x < w - 1; x++, p++)
        length += cost[padded[p] | (padded[p + 1] << 1) | (padded[p + w] << 2) | (padded[p + w + 1] << 3)];
    return length;
  }

  // Middle of the longest vertical run: a place for the label that is surely inside.
  function anchor(mask) {
    let best = 0, at = 0, x = 0, y = 0;
    for (let i = 0; i < mask.runs.length; i++) {
      if (i & 1) {
        for (let p = at, end = at + mask.runs[i]; p < end; ) {
          const column = (p / mask.h) | 0, stop = Math.min(end, (column + 1) * mask.h);
          const bonus = (stop - p) * (1 - Math.abs(column / mask.w - 0.5));
          if (bonus > best) { best = bonus; x = column; y = ((p + stop) / 2 - column * mask.h) | 0; }
          p = stop;
        }
      }
      at += mask.runs[i];
    }
    return { x: mask.x + x + 0.5, y: mask.y + y + 0.5 };
  }

  // A round brush drawn along a line of points: sets (1) or clears (0) bytes in a box.
  function stroke(data, box, from, to, radius, value) {
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / Math.max(1, radius / 3)));
    for (let s = 0; s <= steps; s++) {
      const cx = from.x + ((to.x - from.x) * s) / steps - box.x, cy = from.y + ((to.y - from.y) * s) / steps - box.y;
      const top = Math.max(0, Math.floor(cy - radius)), bottom = Math.min(box.h - 1, Math.ceil(cy + radius));
      for (let y = top; y <= bottom; y++) {
        const reach = radius * radius - (y + 0.5 - cy) ** 2;
        if (reach < 0) continue;
        const half = Math.sqrt(reach);
        const left = Math.max(0, Math.ceil(cx - half - 0.5)), right = Math.min(box.w - 1, Math.floor(cx + half - 0.5));
        if (right >= left) data.fill(value, y * box.w + left, y * box.w + right + 1);
      }
    }
  }

  // Cut along a segment. Pieces that the cut parts go to the side they lie on; where the segment
  // does not reach from edge to edge, its prolongation cuts. Null where nothing is parted.
  function split(mask, p, q) {
    const data = bits(mask), { w, h } = mask, dx = q.x - p.x, dy = q.y - p.y, length = Math.hypot(dx, dy);
    if (!length) return null;
    const side = (x, y) => (dx * (y + mask.y + 0.5 - p.y) - dy * (x + mask.x + 0.5 - p.x)) / length;
    const near = (x, y) => {
      const along = (dx * (x + mask.x + 0.5 - p.x) + dy * (y + mask.y + 0.5 - p.y)) / length;
      return along >= -1 && along <= length + 1 && Math.abs(side(x, y)) <= 0.75;
    };
    const label = new Int32Array(w * h), pieces = [], stack = [];
    for (let start = 0; start < data.length; start++) {
      if (!data[start] || label[start] || near(start % w, (start / w) | 0)) continue;
      const piece = { left: 0, right: 0 };
      pieces.push(piece);
      label[start] = pieces.length;
      stack.push(start);
      while (stack.length) {
        const at = stack.pop(), x = at % w, y = (at / w) | 0;
        if (side(x, y) < 0) piece.left++; else piece.right++;
        for (const [nx, ny] of [[x - 1, y], [x + 1, y], [x, y - 1], [x, y + 1]]) {
          const next = ny * w + nx;
          if (nx < 0 || ny < 0 || nx >= w || ny >= h || !data[next] || label[next] || near(nx, ny)) continue;
          label[next] = pieces.length;
          stack.push(next);
        }
      }
    }
    const parted = pieces.some((c) => c.left > c.right) && pieces.some((c) => c.right >= c.left);
    const one = new Uint8Array(w * h), two = new Uint8Array(w * h);
    for (let at = 0; at < data.length; at++) {
      if (!data[at]) continue;
      const piece = label[at] && pieces[label[at] - 1];
      const left = parted && piece ? piece.left > piece.right : side(at % w, (at / w) | 0) < 0;
      (left ? one : two)[at] = 1;
    }
    const first = fromBits(one, mask), second = fromBits(two, mask);
    return first.area && second.area ? [first, second] : null;
  }

  // The mask painted: a filled shape with a crisp edge, kept until the mask is forgotten.
  const painted = new WeakMap();
  function paint(mask, [r, g, b], alpha = 0.38) {
    const key = `${r},${g},${b},${alpha}`, kept = painted.get(mask);
    if (kept && kept.key === key) return kept.canvas;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, mask.w);
    canvas.height = Math.max(1, mask.h);
    if (mask.area) {
      const data = bits(mask), context = canvas.getContext("2d"), { w, h } = mask;
      const image = context.createImageData(w, h), pixels = new Uint32Array(image.data.buffer);
      const colour = (r | (g << 8) | (b << 16)) >>> 0;
      const fill = ((Math.round(alpha * 255) << 24) | colour) >>> 0, edge = ((235 << 24) | colour) >>> 0;
      for (let y = 0, p = 0; y < h; y++) {
        for (let x = 0; x < w; x++, p++) {
          if (!data[p]) continue;
          const inner = x && y && x < w - 1 && y < h - 1 && data[p - 1] && data[p + 1] && data[p - w] && data[p + w];
          pixels[p] = inner ? fill : edge;
        }
      }
      context.putImageData(image, 0, 0);
    }
    painted.set(mask, { key, canvas });
    return canvas;
  }

  floorseg.masks = { EMPTY, fromWire, toWire, bits, fromBits, around, union, overlap, contains, perimeter, anchor, stroke, split, paint, pack, unpack };
})();
