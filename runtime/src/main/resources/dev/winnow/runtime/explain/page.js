'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const SVG = 'http://www.w3.org/2000/svg';
  const at = id => document.getElementById(id);

  function element(name, attributes, text) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    if (text !== undefined) e.textContent = text;
    return e;
  }

  function drawn(name, attributes) {
    const e = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
    return e;
  }

  function quantity(value, unit) {
    const steps = ['', 'k', 'M', 'G', 'T', 'P'];
    let step = 0;
    while (value >= 1000 && step < steps.length - 1) {
      value /= 1000;
      step++;
    }
    const digits = step === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return value.toFixed(digits) + ' ' + steps[step] + unit;
  }

  const percent = share => {
    const p = 100 * share;
    return (p > 0 && p < 1 || p > 99 && p < 100 ? p.toFixed(1) : Math.round(p)) + '%';
  };
  const plural = (n, word) => n + ' ' + word + (n === 1 ? '' : 's');
  const number = v => Math.abs(v) >= 1000 || v !== 0 && Math.abs(v) < 0.001 ? v.toExponential(2) : String(+v.toPrecision(4));

  // ---- what was asked ----

  const own = data.runs[0];
  const dense = data.runs.find(r => r.name === 'dense');
  at('question').textContent = data.question;
  at('answer').textContent = own.answer || '(no text)';
  at('answer').classList.toggle('long', own.answer.length > 80);
  at('plan').textContent = own.plan;
  document.title = (data.question ? data.question.slice(0, 60) + ': ' : '') + own.answer.slice(0, 60);
  const of = (mine, all) => all ? ' (' + percent(mine / all) + ' of dense)' : '';

  function fact(name, value) {
    const box = element('div');
    box.append(element('dt', {}, name), element('dd', {}, value));
    at('facts').append(box);
  }
  if (data.pieces.length) fact('picture tokens in the end', own.pictureTokens + of(own.pictureTokens, dense && dense.pictureTokens));
  fact('compute', quantity(own.flops, 'FLOP') + of(own.flops, dense && dense.flops));
  if (own.cacheBytes) fact('cache after the prompt', quantity(own.cacheBytes, 'B') + of(own.cacheBytes, dense && dense.cacheBytes));
  if (own.same !== undefined) fact('answer', own.same ? 'as the dense model' : 'not as the dense model');

  // ---- events over the pictures ----

  const last = data.panels.length - 1;
  let event = 0;
  // what is left of the tokens comes first
  const first = Math.max(0, data.panels.findLastIndex(panel => !panel.cached));
  let heat = false;
  let chosen = null;

  /** What each patch of a piece is in a panel: its group's number, -1 for a token of its own, undefined for none. */
  const owners = data.panels.map(panel => panel.pieces.map(alive => {
    const owner = new Map();
    alive.singles.forEach(p => owner.set(p, -1));
    alive.groups.forEach((group, g) => group.forEach(p => owner.set(p, g)));
    return owner;
  }));

  const views = data.pieces.map((piece, number) => {
    const cell = {width: piece.width / piece.columns, height: piece.height / piece.rows};
    const svg = drawn('svg', {viewBox: `0 0 ${piece.width} ${piece.height}`, tabindex: 0, role: 'group',
      'aria-label': piece.name + ', arrow keys go from patch to patch'});
    svg.append(drawn('image', {href: piece.source, width: piece.width, height: piece.height, preserveAspectRatio: 'none'}));
    const patches = [];
    for (let p = 0; p < piece.rows * piece.columns; p++) {
      const rect = drawn('rect', {x: p % piece.columns * cell.width, y: Math.floor(p / piece.columns) * cell.height,
        width: cell.width, height: cell.height, class: 'patch alive', 'data-patch': p});
      patches.push(rect);
      svg.append(rect);
    }
    const lines = drawn('g', {});
    const cursor = drawn('g', {});
    svg.append(lines, cursor);
    const figure = element('figure');
    const caption = element('figcaption');
    figure.append(svg, caption);
    at('pieces').append(figure);
    const view = {piece, number, cell, svg, patches, lines, cursor, caption};
    svg.addEventListener('pointermove', e => point(view, patchAt(view, e)));
    svg.addEventListener('pointerdown', e => point(view, patchAt(view, e)));
    svg.addEventListener('keydown', e => walk(view, e));
    svg.addEventListener('focus', () => {
      if (!chosen || chosen.view !== view) point(view, 0);
    });
    return view;
  });
  at('pieces').classList.toggle('one', views.length === 1);
  at('board').classList.toggle('split', views.length === 1);

  function patchAt(view, e) {
    const box = view.svg.getBoundingClientRect();
    const {rows, columns} = view.piece;
    // the drawing keeps its aspect ratio within the box
    const scale = Math.min(box.width / view.piece.width, box.height / view.piece.height);
    const x = (e.clientX - box.left - (box.width - scale * view.piece.width) / 2) / scale / view.cell.width;
    const y = (e.clientY - box.top - (box.height - scale * view.piece.height) / 2) / scale / view.cell.height;
    if (x < 0 || y < 0 || x >= columns || y >= rows) return -1;
    return Math.floor(y) * columns + Math.floor(x);
  }

  function walk(view, e) {
    const {rows, columns} = view.piece;
    const p = chosen && chosen.view === view ? chosen.patch : 0;
    const to = {ArrowLeft: p % columns ? p - 1 : p, ArrowRight: p % columns < columns - 1 ? p + 1 : p,
      ArrowUp: p >= columns ? p - columns : p, ArrowDown: p < (rows - 1) * columns ? p + columns : p}[e.key];
    if (to === undefined) return;
    e.preventDefault();
    point(view, to);
  }

  function point(view, patch) {
    if (patch < 0 || chosen && chosen.view === view && chosen.patch === patch) return;
    chosen = {view, patch};
    showChosen();
  }

  function showChosen() {
    views.forEach(v => v.cursor.replaceChildren());
    if (!chosen) return;
    const {view, patch} = chosen;
    const g = owners[event][view.number].get(patch);
    const patches = g >= 0 ? data.panels[event].pieces[view.number].groups[g] : [patch];
    for (const name of ['cursor under', 'cursor']) {
      view.cursor.append(drawn('path', {d: outline(view, patches, 0), class: name}));
    }
    // among several pictures, beside the one it is about
    if (views.length > 1) view.caption.after(at('fate'));
    at('fate').textContent = fate(view, patch);
  }

  const where = panel => panel.method + (panel.site ? ', ' + panel.site : '');

  /** What became of a patch up to the event shown. */
  function fate(view, patch) {
    const n = view.number;
    const columns = view.piece.columns;
    const panel = data.panels[event];
    const words = [`Row ${Math.floor(patch / columns) + 1}, column ${patch % columns + 1}`
      + (views.length > 1 ? ' of ' + view.piece.name : '') + ':'];
    const owner = owners[event][n].get(patch);
    let score = event;
    if (owner === undefined) {
      let gone = event;
      while (gone > 0 && owners[gone - 1][n].get(patch) === undefined) gone--;
      score = gone;
      words.push(gone === 0 ? 'not a token' : `gone since event ${gone} (${where(data.panels[gone])})`);
    } else if (panel.cached) {
      const strength = panel.pieces[n].strength;
      words.push(`its entry is held by ${percent(strength ? strength[patch] : 1)} of layers and heads`);
    } else if (owner < 0) {
      words.push('alive, a token of its own');
    } else {
      const group = panel.pieces[n].groups[owner];
      const same = e => {
        const o = owners[e][n].get(patch);
        return o >= 0 && data.panels[e].pieces[n].groups[o].length === group.length;
      };
      let since = event;
      while (since > 0 && same(since - 1)) since--;
      score = since;
      words.push((group.length > 1 ? `merged with ${plural(group.length - 1, 'other patch').replace('patchs', 'patches')}` : 'alive')
        + ` since event ${since} (${where(data.panels[since])}), a token of size ${panel.pieces[n].sizes[owner]}`);
    }
    const scores = data.panels[score].pieces[n].scores;
    if (scores && typeof scores[patch] === 'number') {
      const known = scores.filter(s => typeof s === 'number');
      const rank = known.filter(s => s > scores[patch]).length + 1;
      words.push(`; ${data.panels[score].pieces[n].scored} ${number(scores[patch])}, number ${rank} of ${known.length} from the highest`);
    }
    return words.join(' ').replace(' ;', ';') + '.';
  }

  /** Lines around patches, a little inside of them where two groups meet. */
  function outline(view, patches, inset) {
    const {columns, rows} = view.piece;
    const {width, height} = view.cell;
    const inside = new Set(patches);
    const holds = (row, column) => row >= 0 && column >= 0 && row < rows && column < columns && inside.has(row * columns + column);
    // where a line ends: short of a corner, at a seam, or beyond the inner corner of a bend
    const end = (beside, across) => !beside ? inset : across ? -inset : 0;
    const path = [];
    for (const p of patches) {
      const c = p % columns;
      const r = Math.floor(p / columns);
      const [x0, x1, y0, y1] = [c * width, (c + 1) * width, r * height, (r + 1) * height];
      const left = holds(r, c - 1);
      const right = holds(r, c + 1);
      const up = holds(r - 1, c);
      const down = holds(r + 1, c);
      const flat = (y, d) => `M${x0 + end(left, holds(r + d, c - 1))} ${y}H${x1 - end(right, holds(r + d, c + 1))}`;
      const steep = (x, d) => `M${x} ${y0 + end(up, holds(r - 1, c + d))}V${y1 - end(down, holds(r + 1, c + d))}`;
      if (!up) path.push(flat(y0 + inset, -1));
      if (!down) path.push(flat(y1 - inset, 1));
      if (!left) path.push(steep(x0 + inset, -1));
      if (!right) path.push(steep(x1 - inset, 1));
    }
    return path.join('');
  }

  const RAMP = [[18, 16, 74], [104, 28, 116], [188, 55, 84], [240, 124, 36], [252, 225, 110]];

  function ramp(share) {
    const place = Math.min(0.9999, Math.max(0, share)) * (RAMP.length - 1);
    const i = Math.floor(place);
    return 'rgb(' + RAMP[i].map((c, k) => Math.round(c + (RAMP[i + 1][k] - c) * (place - i))).join(',') + ')';
  }

  /** Scores of all pieces lie on one scale. */
  function scale(panel) {
    const known = panel.pieces.flatMap(a => a.scores || []).filter(s => typeof s === 'number');
    return known.length ? {least: Math.min(...known), most: Math.max(...known)} : null;
  }

  function paint() {
    const panel = data.panels[event];
    const range = scale(panel);
    const hot = heat && range !== null;
    views.forEach((view, n) => {
      const alive = panel.pieces[n];
      const owner = owners[event][n];
      view.patches.forEach((rect, p) => {
        const strength = alive.strength ? alive.strength[p] : owner.has(p) ? 1 : 0;
        const score = hot && alive.scores ? alive.scores[p] : null;
        rect.removeAttribute('style');
        rect.setAttribute('class', 'patch ' + (owner.has(p) ? 'alive' : 'dead'));
        if (typeof score === 'number') {
          rect.style.fill = ramp((score - range.least) / (range.most - range.least || 1));
          rect.style.fillOpacity = 0.8;
        } else if (hot) {
          rect.classList.add('unscored');
        } else if (strength > 0 && strength < 1) {
          rect.style.fill = 'var(--night)';
          rect.style.fillOpacity = (0.82 * (1 - strength)).toFixed(3);
        }
      });
      view.lines.replaceChildren();
      const edges = view.patches.map((r, p) => p).filter(p => owner.has(p));
      if (edges.length < view.patches.length) view.lines.append(drawn('path', {d: outline(view, edges, 0), class: 'edge'}));
      if (at('outlines').checked) {
        const inset = 0.06 * Math.min(view.cell.width, view.cell.height);
        alive.groups.forEach((group, g) => {
          if (group.length < 2) return;
          const d = outline(view, group, inset);
          view.lines.append(drawn('path', {d, class: 'group under'}));
          const over = drawn('path', {d, class: 'group over'});
          over.style.stroke = alive.colours[g];
          view.lines.append(over);
        });
      }
      const before = data.panels[0].pieces[n].tokens;
      view.caption.textContent = (views.length > 1 ? view.piece.name + ': ' : '') + plural(alive.tokens, 'token')
        + (event > 0 ? ` of ${before} (${percent(alive.tokens / before)})` : '')
        + (alive.bare ? `, ${alive.bare} of them without a patch` : '') + (panel.cached ? ' with an entry in some layer' : '');
    });
    legend(panel, hot ? range : null);
    showChosen();
  }

  function legend(panel, range) {
    const box = at('legend');
    box.replaceChildren();
    const named = panel.pieces.find(a => a.scored);
    if (range) {
      const bar = element('span', {class: 'ramp'});
      bar.style.background = 'linear-gradient(90deg,' + [0, 0.25, 0.5, 0.75, 1].map(ramp).join(',') + ')';
      box.append(element('span', {}, named.scored + ' ' + number(range.least)), bar, element('span', {}, number(range.most)));
    } else if (panel.cached) {
      box.append(element('span', {}, 'the darker, the fewer layers and heads hold it'));
    }
    at('heat').disabled = !named;
    at('heat').parentElement.title = named ? '' : 'this event goes by no score of its own';
  }

  function showEvent(to) {
    event = Math.min(last, Math.max(0, to));
    const panel = data.panels[event];
    at('event').value = event;
    at('event').setAttribute('aria-valuetext', event === 0 ? 'input' : `event ${event}: ${where(panel)}`);
    at('back').disabled = event === 0;
    at('forward').disabled = event === last;
    const start = last === 1 ? 'Before the only event' : `Before all ${last} events`;
    at('count').textContent = event === 0 ? start : `Event ${event} of ${last}`;
    at('method').textContent = event === 0 ? 'Input' : panel.method;
    at('site').textContent = panel.site;
    at('deed').textContent = event === 0 ? plural(panel.after, 'token') : panel.deed;
    at('tokens').textContent = event === 0 ? '' : `${panel.before} → ${panel.after}`;
    paint();
  }

  if (views.length || data.panels.some((panel, i) => i > 0 && !panel.cached)) {
    at('events').hidden = false;
    at('event').max = last;
    at('event').addEventListener('input', () => showEvent(+at('event').value));
    at('back').addEventListener('click', () => showEvent(event - 1));
    at('forward').addEventListener('click', () => showEvent(event + 1));
    at('heat').addEventListener('change', () => {
      heat = at('heat').checked;
      paint();
    });
    at('outlines').addEventListener('change', paint);
    if (!views.length) {
      at('switches').hidden = true;
      at('fate').hidden = true;
    }
    const merging = data.panels.some(p => p.pieces.some(a => a.groups.some(g => g.length > 1)));
    at('outlines').parentElement.hidden = !merging;
    at('heat').parentElement.hidden = !data.panels.some(p => p.pieces.some(a => a.scored));
    at('stepper').hidden = last === 0;
  }

  // ---- entries of the cache ----

  // canvases of long prompts show several tokens in a column
  const WIDEST_STRIP = 4096;
  const layers = data.cache.layers;
  const words = data.words;
  const sets = data.cache.sets.map(text => {
    const bytes = atob(text);
    const bits = new Uint8Array(words.length);
    for (let t = 0; t < bits.length; t++) bits[t] = bytes.charCodeAt(t >> 3) >> (t & 7) & 1;
    return bits;
  });
  let layer = -1;
  let head = -1;
  let place = null;

  /** Heads in a selection, each as the sets of tokens it keeps and merges. */
  function selected(l, h) {
    const all = l < 0 ? layers.flatMap(x => x.heads) : layers[l].heads;
    return h < 0 ? all : all.slice(h, h + 1);
  }

  /** For each token the share of heads that keep it, and that have it merged into another. */
  function shares(heads) {
    const kept = new Float32Array(words.length);
    const merged = new Float32Array(words.length);
    for (const [k, m] of heads) {
      for (let t = 0; t < kept.length; t++) {
        kept[t] += sets[k][t];
        merged[t] += sets[m][t];
      }
    }
    for (let t = 0; heads.length && t < kept.length; t++) {
      kept[t] /= heads.length;
      merged[t] /= heads.length;
    }
    return {kept, merged};
  }

  const counted = heads => heads.length ? heads.reduce((sum, [k]) => sum + sets[k].reduce((a, b) => a + b, 0), 0) / heads.length : 0;

  function mixed(from, to, share) {
    const parse = colour => [1, 3, 5].map(i => parseInt(colour.slice(i, i + 2), 16));
    const a = parse(from);
    const b = parse(to);
    return a.map((c, i) => Math.round(c + (b[i] - c) * share));
  }

  function palette() {
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name).trim();
    return {gone: colour('--gone'), kept: colour('--kept'), merged: colour('--merged')};
  }

  function colourOf(colours, kept, merged) {
    if (kept > 0) return mixed(colours.gone, colours.kept, 0.15 + 0.85 * kept);
    return merged > 0 ? mixed(colours.gone, colours.merged, 0.3 + 0.7 * merged) : mixed(colours.gone, colours.gone, 0);
  }

  function strip(heads, label) {
    const width = Math.min(WIDEST_STRIP, words.length);
    const canvas = element('canvas', {width, height: 1, tabindex: 0, role: 'img', 'aria-label': label});
    const share = shares(heads);
    const mean = (values, from, to) => values.subarray(from, to).reduce((a, b) => a + b, 0) / (to - from);
    const redraw = () => {
      const colours = palette();
      const context = canvas.getContext('2d');
      const image = context.createImageData(width, 1);
      for (let x = 0; x < width; x++) {
        const from = Math.floor(x * words.length / width);
        const to = Math.floor((x + 1) * words.length / width);
        const [r, g, b] = colourOf(colours, mean(share.kept, from, to), mean(share.merged, from, to));
        image.data.set([r, g, b, 255], 4 * x);
      }
      context.putImageData(image, 0, 0);
    };
    redraw();
    const show = t => {
      if (t < 0 || t >= words.length) return;
      place = {t, heads, label};
      at('entry').textContent = entry(t, share, heads, label);
    };
    const pointed = e => {
      const box = canvas.getBoundingClientRect();
      show(Math.floor((e.clientX - box.left) / box.width * words.length));
    };
    canvas.addEventListener('pointermove', pointed);
    canvas.addEventListener('pointerdown', pointed);
    canvas.addEventListener('keydown', e => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[e.key];
      if (!step) return;
      e.preventDefault();
      show((place ? place.t : -1) + step);
    });
    return {canvas, redraw};
  }

  function word(t) {
    const w = words[t];
    if (w.piece === undefined) return w.text === undefined || w.text === '' ? 'a token of the model' : '“' + w.text + '”';
    const piece = data.pieces[w.piece];
    const places = w.patches.length > 3 ? w.patches.length + ' patches'
      : w.patches.map(p => `row ${Math.floor(p / piece.columns) + 1}, column ${p % piece.columns + 1}`).join('; ');
    return piece.name + (places ? ', ' + places : '');
  }

  /** The picture that a token is of, undefined for none. */
  const pictureOf = t => words[t].piece === undefined ? undefined : data.pieces[words[t].piece].picture;

  function entry(t, share, heads, label) {
    const kept = Math.round(share.kept[t] * heads.length);
    const merged = Math.round(share.merged[t] * heads.length);
    const state = heads.length === 1 ? (kept ? 'kept' : merged ? 'merged into another entry' : 'gone')
      : `kept by ${kept} of ${plural(heads.length, 'head')}` + (merged ? `, merged into another entry by ${merged}` : '');
    return `Token ${t} of ${words.length}, ${word(t)}; ${label}: ${state}.`;
  }

  const redraws = [];

  function buildStrips() {
    layers.forEach((l, number) => {
      const row = element('div', {class: 'row'});
      const button = element('button', {type: 'button', 'aria-expanded': 'false'}, 'layer ' + number + ' ');
      button.append(element('span', {class: 'held'}, String(+counted(l.heads).toFixed(1))));
      button.title = plural(l.heads.length, 'key head') + ', on average ' + (+counted(l.heads).toFixed(1)) + ' entries each';
      const whole = strip(l.heads, 'layer ' + number);
      redraws.push(whole.redraw);
      row.append(button, whole.canvas);
      const more = element('div', {class: 'heads', hidden: ''});
      at('strips').append(row, more);
      button.addEventListener('click', () => {
        if (!more.childElementCount) fill(more, l, number);
        more.hidden = !more.hidden;
        button.setAttribute('aria-expanded', String(!more.hidden));
      });
    });
  }

  function fill(more, l, number) {
    if (l.deeds.length) more.append(element('p', {class: 'deeds'}, l.deeds.join('; ')));
    l.heads.forEach((h, i) => {
      const row = element('div', {class: 'row'});
      const one = strip([h], `layer ${number}, head ${i}`);
      redraws.push(one.redraw);
      row.append(element('span', {class: 'head'}, `head ${i} · ${counted([h])}`), one.canvas);
      more.append(row);
    });
  }

  /** The prompt's text, each token in the colour of how much of it is left. */
  function paintWords() {
    const share = shares(selected(layer, head));
    const colours = palette();
    const nodes = [];
    for (let t = 0; t < words.length;) {
      let end = t + 1;
      const picture = pictureOf(t);
      // with what stands between its rows
      while (picture !== undefined && end < words.length && words[end].text === undefined && (pictureOf(end) ?? picture) === picture) end++;
      const sum = values => values.slice(t, end).reduce((a, b) => a + b, 0);
      const kept = sum(share.kept) / (end - t);
      const merged = sum(share.merged) / (end - t);
      const token = element('span', {'data-token': t});
      if (picture === undefined) {
        token.textContent = words[t].text || '·';
        token.classList.toggle('off', kept === 0);
      } else {
        token.className = 'picture';
        token.textContent = `${data.pictures[picture]}: ${+sum(share.kept).toFixed(1)} of ${end - t}`;
      }
      const [r, g, b] = colourOf(colours, kept, merged);
      if (kept > 0 || merged > 0) token.style.background = `rgba(${r},${g},${b},${picture === undefined ? 0.45 : 0.3})`;
      const first = t;
      token.addEventListener('pointerenter', () => {
        at('entry').textContent = entry(first, share, selected(layer, head), selection());
      });
      nodes.push(token);
      t = end;
    }
    at('words').replaceChildren(...nodes);
    at('layer-name').textContent = layer < 0 ? 'all' : layer;
    at('layer').setAttribute('aria-valuetext', layer < 0 ? 'all layers' : 'layer ' + layer);
  }

  const selection = () => (layer < 0 ? 'all layers' : 'layer ' + layer) + (head < 0 ? '' : ', head ' + head);

  function showLayer(to) {
    layer = Math.min(layers.length - 1, Math.max(-1, to));
    const heads = layer < 0 ? 0 : layers[layer].heads.length;
    head = -1;
    at('layer').value = layer;
    at('head').replaceChildren(element('option', {value: -1}, 'all'));
    for (let h = 0; h < heads; h++) at('head').append(element('option', {value: h}, String(h)));
    at('head').disabled = layer < 0;
    paintWords();
  }

  if (layers.length) {
    at('cache').hidden = false;
    at('layer').max = layers.length - 1;
    const all = layers.flatMap(l => l.heads);
    const full = words.length * all.length;
    const held = counted(all) * all.length;
    at('cache-note').textContent = `${held} entries of ${full} that ${plural(words.length, 'prompt token')} take in `
      + `${plural(layers.length, 'layer')} (${percent(held / (full || 1))}). One row a layer, one column a token; a click shows the heads.`;
    for (const [name, text] of [['--kept', 'kept'], ['--merged', 'merged into another'], ['--gone', 'gone']]) {
      const swatch = element('span', {class: 'swatch'});
      swatch.style.background = `var(${name})`;
      at('cache-legend').append(swatch, element('span', {}, text));
    }
    buildStrips();
    showLayer(-1);
    at('layer').addEventListener('input', () => showLayer(+at('layer').value));
    at('head').addEventListener('change', () => {
      head = +at('head').value;
      paintWords();
    });
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      redraws.forEach(redraw => redraw());
      paintWords();
    });
  }

  // ---- other budgets ----

  if (data.runs.length > 1) {
    at('budgets').hidden = false;
    at('budgets-note').textContent = data.swept ? `Each row is a run of its own; the budget is that of ${data.swept}.`
      : 'Each row is a run of its own.';
    const columns = [['run', r => r.name], ['answer', r => r.answer || '(no text)'],
      ['against dense', r => r.name === 'dense' ? '–' : r.same ? 'same answer' : 'differs'],
      ['picture tokens', r => String(r.pictureTokens)], ['compute', r => quantity(r.flops, 'FLOP')],
      ['cache', r => quantity(r.cacheBytes, 'B')]]
      .filter(([name]) => (name !== 'picture tokens' || data.pieces.length) && (name !== 'cache' || own.cacheBytes));
    columns.forEach(([name]) => at('columns').append(element('th', {scope: 'col'}, name)));
    data.runs.forEach((run, i) => {
      const row = element('tr', i === 0 ? {class: 'own'} : {});
      row.title = run.plan;
      columns.forEach(([name, text]) => {
        const cell = element('td', {'data-label': name}, text(run));
        if (name === 'answer') cell.className = 'answer';
        if (name === 'against dense') cell.className = run.name === 'dense' ? 'verdict' : run.same ? 'verdict same' : 'verdict differs';
        row.append(cell);
      });
      at('runs').append(row);
    });
  }

  // ---- links to a state: #event=2&heat=1&layer=3 ----

  function follow() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has('heat')) {
      heat = wanted.get('heat') === '1';
      at('heat').checked = heat;
    }
    if (!at('events').hidden) showEvent(Number.parseInt(wanted.get('event') ?? first, 10) || 0);
    if (layers.length && wanted.has('layer')) showLayer(Number.parseInt(wanted.get('layer'), 10) || 0);
  }
  window.addEventListener('hashchange', follow);
  follow();
})();
