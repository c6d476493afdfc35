// What all pages share: texts, requests, events, and drawings on a canvas.

export const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', zh: '中文', ja: '日本語' };
let texts = {};
export let language = 'en';

export const $ = (id) => document.getElementById(id);

export async function loadTexts(wanted) {
  const asked = [wanted, localStorage.getItem('studio.language'), ...navigator.languages].filter(Boolean);
  language = asked.map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in LANGUAGES) ?? 'en';
  const [english, own] = await Promise.all(
    ['en', language].map((name) => fetch(`/texts/${name}.json`).then((answer) => answer.json())),
  );
  texts = { ...english, ...own };
  document.documentElement.lang = language;
  document.querySelectorAll('[data-t]').forEach((node) => { node.textContent = t(node.dataset.t); });
  for (const name of ['placeholder', 'aria-label', 'alt', 'title']) {
    document.querySelectorAll(`[data-t-${name}]`).forEach((node) => node.setAttribute(name, t(node.getAttribute(`data-t-${name}`))));
  }
  document.title = t(document.body.dataset.title ?? 'title');
}

export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

export function languageMenu(select, changed) {
  for (const [code, name] of Object.entries(LANGUAGES)) select.add(new Option(name, code, false, code === language));
  select.value = language;
  select.addEventListener('change', async () => {
    localStorage.setItem('studio.language', select.value);
    await loadTexts(select.value);
    changed?.();
  });
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t('seconds', { n: Math.max(5, Math.round(whole / 5) * 5) });
  return t('minutes', { n: Math.round(whole / 60) });
}

export class Problem extends Error {
  constructor(code, message) { super(message); this.code = code; }
  get text() { return texts[`problem_${this.code}`] ? t(`problem_${this.code}`, { message: this.message }) : this.message; }
}

export async function api(method, path, body, secret) {
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  const raw = body instanceof Blob;
  if (body !== undefined && !raw) { headers['Content-Type'] = 'application/json'; body = JSON.stringify(body); }
  if (raw) headers['Content-Type'] = body.type || 'application/octet-stream';
  let answer;
  try {
    answer = await fetch(`/api${path}`, { method, headers, body, cache: 'no-store' });
  } catch {
    throw new Problem('OFFLINE', t('offline'));
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Problem(told.code ?? 'INTERNAL', told.message ?? answer.statusText);
}

export const get = async (path, secret) => (await api('GET', path, undefined, secret)).json();

// Events from the robot; comes back by itself after sleep, reload and loss of the network.
export function listen(query, onEvent, onLost = () => {}) {
  let wait = 500;
  const open = () => {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/events${query}`);
    socket.onmessage = (message) => { wait = 500; onEvent(JSON.parse(message.data)); };
    socket.onclose = () => { onLost(); setTimeout(open, wait); wait = Math.min(8000, wait * 1.6); };
  };
  open();
}

// The way here for phones, where they can come; a QR code and the address to be typed.
export function showWay(address) {
  const node = $('with-phone');
  node.hidden = !address;
  if (!address || node.dataset.shown === address) return;
  node.dataset.shown = address;
  node.querySelector('img').src = '/qr.svg';
  node.querySelector('.address').textContent = address.replace(/^https?:\/\/|\/$/g, '');
}

// A drawing on a canvas: whole, up to where the pen is, or drawing itself.
export class Sheet {
  constructor(canvas) {
    this.canvas = canvas;
    this.lines = null;
    this.done = null;
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  show(lines) {
    this.lines = lines;
    this.canvas.style.setProperty('--aspect', lines.width_mm / lines.height_mm);
    this.canvas.style.aspectRatio = `${lines.width_mm} / ${lines.height_mm}`;
    this.paint();
  }

  clear() { this.lines = null; this.paint(); }

  // done: whole strokes on paper; pen: [x, y] of the stroke that is being drawn, or null.
  grow(done, pen) { this.done = done; this.pen = pen; this.paint(); }

  paint() {
    const { canvas, lines } = this;
    const box = canvas.getBoundingClientRect();
    if (!box.width) return;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const width = Math.round(box.width * ratio);
    const height = lines ? Math.round((width * lines.height_mm) / lines.width_mm) : Math.round(box.height * ratio);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const ink = canvas.getContext('2d');
    ink.clearRect(0, 0, width, height);
    if (!lines) return;
    const scale = width / lines.width_mm;
    ink.lineCap = ink.lineJoin = 'round';
    ink.lineWidth = Math.max(ratio * 0.55, lines.pen_mm * scale * 0.8);
    const done = this.done ?? lines.strokes.length;
    if (this.done !== null && !this.bare) {
      ink.strokeStyle = 'rgb(30 28 26 / .10)';
      this.path(ink, lines.strokes.slice(done), scale);
    }
    ink.strokeStyle = '#1c1a19';
    this.path(ink, lines.strokes.slice(0, done), scale);
    if (this.done !== null && this.pen && done < lines.strokes.length) this.path(ink, [this.partial(lines.strokes[done], this.pen)], scale);
    if (this.pen && this.done !== null) {
      ink.fillStyle = '#c2452d';
      ink.beginPath();
      ink.arc(this.pen[0] * scale, this.pen[1] * scale, 3.2 * ratio, 0, 7);
      ink.fill();
    }
  }

  path(ink, strokes, scale) {
    ink.beginPath();
    for (const s of strokes) {
      if (!s.length) continue;
      ink.moveTo(s[0] * scale, s[1] * scale);
      if (s.length === 2) ink.lineTo(s[0] * scale + 0.01, s[1] * scale);
      for (let k = 2; k < s.length; k += 2) ink.lineTo(s[k] * scale, s[k + 1] * scale);
    }
    ink.stroke();
  }

  // The part of a stroke up to its nearest point to the pen; none while the pen is on its way there.
  partial(stroke, pen) {
    let best = 0.6, at = -1;
    for (let k = 0; k < stroke.length; k += 2) {
      const away = Math.hypot(stroke[k] - pen[0], stroke[k + 1] - pen[1]);
      if (away < best) { best = away; at = k; }
    }
    return at < 0 ? [] : [...stroke.slice(0, at + 2), pen[0], pen[1]];
  }

  // Draw itself within so many seconds; resolves when it is done.
  async play(seconds) {
    const { lines } = this;
    const total = lines.seconds.reduce((a, b) => a + b, 0) || 1;
    this.bare = true;
    const begin = performance.now();
    for (let at = 0, sum = 0; at < lines.strokes.length && this.lines === lines;) {
      const now = ((performance.now() - begin) / 1000 / seconds) * total;
      while (at < lines.strokes.length && sum + lines.seconds[at] <= now) sum += lines.seconds[at++];
      const stroke = lines.strokes[at];
      let pen = null;
      if (stroke) {
        const points = stroke.length / 2;
        const share = Math.min(1, (now - sum) / (lines.seconds[at] || 1));
        const k = 2 * Math.min(points - 1, Math.floor(share * points));
        pen = [stroke[k], stroke[k + 1]];
      }
      this.grow(at, pen);
      await new Promise((next) => requestAnimationFrame(next));
    }
    this.pen = null;
    this.paint();
  }
}
