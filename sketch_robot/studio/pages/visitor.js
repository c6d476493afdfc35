// The visitor's way: sit, choose, order, watch, take home.
import { $, Sheet, api, duration, get, language, languageMenu, listen, loadTexts, showWay, t } from '/studio.js';

const kiosk = new URLSearchParams(location.search).has('kiosk');
const kept = kiosk ? sessionStorage : localStorage;
const REST_S = 75;
const FORMS = { svg: 'SVG', png: 'PNG', pdf: 'PDF', gcode: 'G-code', hpgl: 'HPGL' };
let mine = JSON.parse(kept.getItem('studio.job') ?? 'null');
let sitting = null;
let queue = null;
let job = null;
let liveAllowed = false;
let asking = 0;
const drawing = new Sheet($('drawing'));
const sample = new Sheet($('sample'));

function show(name) {
  for (const screen of document.querySelectorAll('.screen')) screen.hidden = screen.id !== name;
  live(name === 'start');
  if (name === 'character') $('character-title').focus();
  if (name === 'choose') $('choose-title').focus();
  if (name === 'ticket') $('number').focus();
  scrollTo(0, 0);
}

function problem(error) {
  $('problem').hidden = !error;
  $('problem').textContent = error ? (error.text ?? error.message) : '';
}

// ------------------------------------------------------------- start
function live(wanted) {
  for (const [id, path] of [['live-photo', 'photo'], ['live-lines', 'lines']]) {
    if (wanted && liveAllowed) $(id).src = `/api/live/${path}`;
    else $(id).removeAttribute('src');
  }
}

async function start() {
  problem(null);
  sitting = null;
  kept.removeItem('studio.sitting');
  liveAllowed = await get('/live').catch(() => false);
  await styles();
  await poses();
  $('live').hidden = $('take').hidden = !liveAllowed;
  $('upload-label').classList.toggle('main', !liveAllowed);
  $('sample').hidden = true;
  show('start');
  update();
  if (liveAllowed) { $('take').focus({ preventScroll: true }); return; }
  const shown = await get('/gallery?most=1').catch(() => []);
  if (shown.length) { $('sample').hidden = false; sample.show(shown[0].lines); sample.play(8); }
}

// The styles that a pen can draw; the first is how the robot usually draws.
async function styles() {
  const names = await get('/styles').catch(() => []);
  const chosen = $('style').value;
  $('style').replaceChildren(new Option(t('style_usual'), ''), ...names.map((name) => new Option(name.replaceAll('_', ' '), name)));
  $('style').value = names.includes(chosen) ? chosen : '';
  $('style-label').hidden = !names.length;
  showStyle();
}

function showStyle() {
  const name = $('style').value;
  $('style-shown').hidden = !name;
  if (name) $('style-shown').src = `/api/styles/${encodeURIComponent(name)}.png`;
}
$('style').addEventListener('change', showStyle);

// How a sitter stands at full length; the first is a portrait of the head.
async function poses() {
  const names = await get('/poses').catch(() => []);
  const chosen = $('pose').value;
  $('pose').replaceChildren(new Option(t('pose_none'), ''), ...names.map((name) => new Option(t(`pose_${name}`), name)));
  $('pose').value = names.includes(chosen) ? chosen : '';
  $('pose-label').hidden = !names.length;
}

async function take() {
  $('take').disabled = true;
  try {
    for (const n of [3, 2, 1]) {
      $('count').textContent = n;
      await new Promise((next) => setTimeout(next, 800));
    }
    $('count').textContent = '';
    await sit(undefined);
  } finally {
    $('count').textContent = '';
    $('take').disabled = false;
  }
}

async function sit(photo) {
  problem(null);
  const asked = new URLSearchParams({ style: $('style').value, pose: $('pose').value });
  const sent = api('POST', `/sittings?${asked}`, photo);
  // The camera goes on while the burst is taken.
  setTimeout(() => { if (!$('start').hidden) show('working'); }, photo ? 0 : 900);
  await sat(sent);
}

async function sat(sent) {
  try {
    sitting = await (await sent).json();
  } catch (error) {
    await start();
    problem(error);
    return;
  }
  choose();
}

// ------------------------------------------------------------- a face that nobody has
const SLIDERS = 4;
let seed = 0;

function sliderValues() {
  return [...document.querySelectorAll('#sliders input')].map((input) => Number(input.value));
}

function makeUp() {
  problem(null);
  seed = Math.floor(Math.random() * 1e6);
  for (const input of document.querySelectorAll('#sliders input')) input.value = 0;
  showFace();
  show('character');
}

// While one picture is on its way the sliders may move on; the newest values come next.
let wantedFace = '';
function showFace() {
  wantedFace = `/api/characters/${seed}.png?sliders=${sliderValues().join(',')}`;
  const image = $('face');
  if (image.dataset.loading) return;
  image.dataset.loading = image.src = wantedFace;
}

function faceShown() {
  const image = $('face');
  const shown = image.dataset.loading;
  delete image.dataset.loading;
  if (shown !== wantedFace) showFace();
}

function sliders() {
  const labels = [...document.querySelectorAll('#sliders span')];
  if (labels.length) { labels.forEach((label, k) => { label.textContent = t('character_slider', { n: k + 1 }); }); return; }
  for (let k = 1; k <= SLIDERS; k += 1) {
    const label = document.createElement('label');
    const name = document.createElement('span');
    name.textContent = t('character_slider', { n: k });
    const input = Object.assign(document.createElement('input'), { type: 'range', min: -3, max: 3, step: 0.1, value: 0 });
    input.addEventListener('input', showFace);
    label.append(name, input);
    $('sliders').append(label);
  }
}

async function drawFace() {
  problem(null);
  const sent = api('POST', '/sittings/character', { seed, sliders: sliderValues() });
  show('working');
  await sat(sent);
}

function choose() {
  kept.setItem('studio.sitting', sitting.sketch);
  $('copies').replaceChildren();
  choices();
  $('consent').checked = $('gallery').checked = $('keep-photo').checked = false;
  $('keep-photo-label').hidden = !sitting.may_keep_photo;
  $('draw-me').disabled = true;
  show('choose');
}

// Who stayed before the camera, or reloaded the page while choosing, finds their drawings again.
async function found() {
  const invited = new URLSearchParams(location.hash.slice(1)).get('sitting');
  const name = invited ?? kept.getItem('studio.sitting');
  if (invited) history.replaceState(null, '', location.pathname + location.search);
  if (!name) return false;
  sitting = await get(`/sittings/${encodeURIComponent(name)}`).catch(() => null);
  if (sitting) choose(); else kept.removeItem('studio.sitting');
  return Boolean(sitting);
}

// ------------------------------------------------------------- choose
function choices() {
  const field = $('choices');
  const chosen = field.querySelector('input:checked')?.value ?? 'normal';
  field.querySelectorAll('.choice').forEach((node) => node.remove());
  for (const proposal of sitting.proposals) {
    const label = document.createElement('label');
    label.className = 'choice';
    const input = Object.assign(document.createElement('input'), { type: 'radio', name: 'kind', value: proposal.kind, checked: proposal.kind === chosen });
    const canvas = document.createElement('canvas');
    canvas.className = 'sheet';
    canvas.setAttribute('aria-hidden', 'true');
    const name = document.createElement('span');
    name.textContent = t(`kind_${proposal.kind}`);
    const time = document.createElement('span');
    time.className = 'time';
    time.textContent = duration(proposal.predicted_s);
    label.append(input, canvas, name, time);
    field.append(label);
    new Sheet(canvas).show(proposal.lines);
  }
  const wanted = $('copies').value || sitting.copies;
  $('copies').replaceChildren(...sitting.may_be.map((word) => new Option(t(`word_${word}`), word)));
  $('copies').value = sitting.may_be.includes(wanted) ? wanted : sitting.copies;
  $('sheet-label').hidden = sitting.may_be.length < 2;
}

async function order(event) {
  event.preventDefault();
  problem(null);
  $('draw-me').disabled = true;
  try {
    const answer = await api('POST', '/jobs', {
      sketch: sitting.sketch,
      kind: document.querySelector('input[name=kind]:checked').value,
      caption: $('caption').value,
      copies: $('copies').value || null,
      name: $('name').value,
      gallery: $('gallery').checked,
      keep_photo: $('keep-photo').checked,
      consent: true,
    });
    job = await answer.json();
    mine = { id: job.id, secret: job.secret };
    kept.setItem('studio.job', JSON.stringify(mine));
    kept.removeItem('studio.sitting');
    await ticket();
  } catch (error) {
    problem(error);
    $('draw-me').disabled = !$('consent').checked;
  }
}

// ------------------------------------------------------------- the ticket
async function ticket() {
  drawing.clear();
  show('ticket');
  await refresh();
  if (job?.has_drawing) drawing.show(await get(`/jobs/${mine.id}/lines`, mine.secret));
  update();
}

async function refresh() {
  if (!mine) return;
  const asked = ++asking;
  try {
    const answer = await get(`/jobs/${mine.id}`, mine.secret);
    if (asked === asking) job = answer;
  } catch (error) {
    if (error.code !== 'UNKNOWN') return;
    forget();
  }
}

function forget() {
  mine = job = null;
  kept.removeItem('studio.job');
  start();
}

function update() {
  const busy = queue ? t(queue.waiting.length ? 'busy' : 'quiet', { n: queue.waiting.length }) : '';
  $('busy').textContent = queue && !queue.open ? t('closed') : busy;
  $('privacy').textContent = t(queue?.keeps_photos ? 'privacy_asked' : 'privacy_short');
  showWay(liveAllowed ? queue?.way : '');
  if (!job || $('ticket').hidden) return;
  $('number').textContent = job.number;
  $('shown').checked = job.gallery;
  const now = queue?.now?.number === job.number ? queue.now : null;
  const state = now ? now.state : job.state;
  let text = t(`state_${state}`);
  if (state === 'ready') text = job.place ? t('state_place', { n: job.place, time: duration(job.eta_s) }) : t('state_next');
  if (state === 'drawing') text = t('state_drawing', { time: duration(now?.remaining_s ?? job.predicted_s) });
  if ($('status').textContent !== text) $('status').textContent = text;
  $('bar').hidden = !now;
  $('bar').firstElementChild.style.width = `${100 * (now?.fraction ?? 0)}%`;
  if (state === 'drawn' || !job.has_drawing) { drawing.done = drawing.pen = null; drawing.paint(); }
  else if (now) drawing.grow(now.strokes_done, now.pen_down ? now.pen_mm : null);
  else drawing.grow(0, null);
  $('files').hidden = !job.has_drawing;
  $('delete').disabled = ['drawing', 'paused', 'interrupted'].includes(state);
}

function files() {
  for (const [form, textContent] of Object.entries(FORMS)) {
    const button = Object.assign(document.createElement('button'), { className: 'compact', textContent });
    button.addEventListener('click', async () => {
      try {
        const blob = await (await api('GET', `/jobs/${mine.id}/file?form=${form}`, undefined, mine.secret)).blob();
        const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: `portrait-${job.number}.${form}` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 5000);
      } catch (error) { problem(error); }
    });
    $('files').append(button);
  }
}

// ------------------------------------------------------------- begin
$('take').addEventListener('click', take);
for (const id of ['make-up', 'character-new']) $(id).addEventListener('click', makeUp);
for (const happened of ['load', 'error']) $('face').addEventListener(happened, faceShown);
$('character-back').addEventListener('click', start);
$('character-draw').addEventListener('click', drawFace);
$('upload').addEventListener('change', () => { const [file] = $('upload').files; $('upload').value = ''; if (file) sit(file); });
$('upload-label').addEventListener('keydown', (event) => { if (event.key === 'Enter') $('upload').click(); });
$('consent').addEventListener('change', () => { $('draw-me').disabled = !$('consent').checked; });
$('order').addEventListener('submit', order);
$('again').addEventListener('click', start);
$('another').addEventListener('click', forget);
$('shown').addEventListener('change', async () => { await api('PUT', `/jobs/${mine.id}/gallery?shown=${$('shown').checked}`, undefined, mine.secret).catch(problem); });
$('delete').addEventListener('click', async () => {
  if (!confirm(t('delete_sure'))) return;
  try { await api('DELETE', `/jobs/${mine.id}`, undefined, mine.secret); forget(); } catch (error) { problem(error); }
});

// Two hardware buttons that send keys are enough: one goes on to the next control, the other presses it.
const NEXT = ['PageDown', 'F8'];
const PRESS = ['PageUp', 'F9'];

function twoButtons(event) {
  if (!NEXT.includes(event.key) && !PRESS.includes(event.key)) return;
  event.preventDefault();
  if (PRESS.includes(event.key)) { document.activeElement?.click(); return; }
  const all = [...document.querySelectorAll('main button, main input, main select')].filter((node) => !node.disabled && node.offsetParent && node.type !== 'text' && node.type !== 'file');
  all[(all.indexOf(document.activeElement) + 1) % all.length]?.focus();
}

if (kiosk) {
  addEventListener('keydown', twoButtons);
  let idle = 0;
  const awake = () => { idle = 0; };
  for (const name of ['pointerdown', 'keydown', 'input']) addEventListener(name, awake);
  setInterval(() => { if (++idle > REST_S) { kept.clear(); location.href = '/kiosk'; } }, 1000);
}

let seen = -1;
await loadTexts();
listen('', async (event) => {
  const changed = event.version !== seen || event.now?.state !== queue?.now?.state;
  queue = event;
  seen = event.version;
  if (changed && mine) await refresh();
  update();
}, () => { $('busy').textContent = t('offline'); });
languageMenu($('language'), () => { update(); sliders(); poses(); if (sitting) choices(); });
files();
sliders();
if (mine) await ticket(); else if (!(await found())) await start();
document.body.dataset.ready = language;
