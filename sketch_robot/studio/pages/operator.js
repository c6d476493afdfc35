// The operator's page: the queue, the machine, the sheet, the day.
import { $, Sheet, api, duration, get, languageMenu, listen, loadTexts, t } from '/studio.js';

const PLACES = ['under', 'top', 'bottom', 'left', 'right', 'top-left', 'top-right', 'bottom-left', 'bottom-right'];
const SETTINGS = {
  open: 'tick', automatic_feed: 'tick', live_for_all: 'tick', start_by_face: 'tick', keep_photos: 'tick', mirrored: 'tick', change_s: 'number', keep_hours: 'number', most_waiting: 'number', page: 'text',
  copies: ['one', 'strip', 'grid', 'cards'], border: ['none', 'line', 'double', 'rounded'], caption_place: PLACES,
  signature: 'text', signature_svg: 'file', signature_place: PLACES, logo: 'file', logo_place: PLACES, turned: ['0', '90', '180', '270'],
};
const FILES = { logo: '/logo', signature_svg: '/signature' };
let view = null;
let shownId = '';
let listening = false;
const drawing = new Sheet($('drawing'));

function problem(error) {
  $('problem').hidden = !error;
  $('problem').textContent = error ? (error.text ?? error.message) : '';
  if (error?.code === 'PIN') signedOut();
}

async function act(method, path, body) {
  problem(null);
  try { return await (await api(method, `/operator${path}`, body)).json(); } catch (error) { problem(error); return null; }
}

function signedOut() {
  $('sign-in').hidden = false;
  $('desk').hidden = $('sign-out').hidden = $('machine').hidden = true;
  $('pin').focus();
}

function button(text, handler, kind = '') {
  const made = Object.assign(document.createElement('button'), { type: 'button', className: `compact ${kind}`, textContent: text });
  made.addEventListener('click', handler);
  return made;
}

function labelled(text, hint) { const span = document.createElement('span'); span.className = hint ?? ''; span.textContent = text; return span; }

function jobAction(job, action, place = 0) { return () => act('POST', `/jobs/${job.id}`, { action, place }); }

// Lists are only made anew when they change, so that the focus stays where it is.
function list(node, jobs, make) {
  const key = JSON.stringify(jobs.map((job) => [job.id, job.state, job.name, job.has_drawing, duration(job.eta_s ?? 0)]));
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  const focused = [...node.querySelectorAll('button')].indexOf(document.activeElement);
  node.replaceChildren(...jobs.map(make));
  if (focused >= 0) node.querySelectorAll('button')[Math.min(focused, node.querySelectorAll('button').length - 1)]?.focus();
}

function waiting(job, at) {
  const row = document.createElement('li');
  row.className = job.state === 'waiting' ? 'held' : '';
  const number = document.createElement('b');
  number.textContent = job.number;
  const held = job.state === 'waiting';
  const acts = document.createElement('span');
  acts.className = 'row acts';
  row.append(number, labelled(job.name || '–', 'fill'), labelled(held ? t('held') : duration(job.eta_s ?? 0), 'soft small'), acts);
  acts.append(
    button('↑', jobAction(job, 'place', at - 1)), button('↓', jobAction(job, 'place', at + 1)), button(t('first'), jobAction(job, 'place', 0)),
    button(t(held ? 'release' : 'hold'), jobAction(job, held ? 'release' : 'hold')), button(t('drop'), jobAction(job, 'drop'), 'bad'),
  );
  row.querySelectorAll('button').forEach((made) => made.setAttribute('aria-label', `${made.textContent} ${job.number}`));
  return row;
}

function over(job) {
  const row = document.createElement('li');
  const number = document.createElement('b');
  number.textContent = job.number;
  row.append(number, labelled(job.name || '–', 'fill'), labelled(t(job.state), 'soft small'));
  if (job.has_drawing) {
    row.append(button(t('once_more'), jobAction(job, 'retry')), button(t('delete'), () => confirm(t('delete_sure')) && jobAction(job, 'delete')(), 'bad'));
  }
  row.querySelectorAll('button').forEach((made) => made.setAttribute('aria-label', `${made.textContent} ${job.number}`));
  return row;
}

function settings(values) {
  const form = $('settings');
  if (form.contains(document.activeElement)) return;
  const key = JSON.stringify(values) + document.documentElement.lang;
  if (form.dataset.key === key) return;
  form.dataset.key = key;
  form.replaceChildren(...Object.entries(SETTINGS).map(([name, kind]) => {
    const label = document.createElement('label');
    const text = labelled(t(`set_${name}`));
    if (kind === 'file') return mark(name, text, values[name]);
    let input;
    if (Array.isArray(kind)) {
      input = document.createElement('select');
      for (const word of kind) input.add(new Option(name === 'turned' ? `${word}°` : t(`word_${word}`), word));
      input.value = values[name];
    } else {
      input = Object.assign(document.createElement('input'), { type: kind === 'tick' ? 'checkbox' : kind });
      if (kind === 'tick') input.checked = values[name]; else input.value = values[name];
    }
    if (kind === 'tick') { label.className = 'tick'; label.append(input, text); } else label.append(text, input);
    input.addEventListener('change', async () => {
      const value = kind === 'tick' ? input.checked : kind === 'number' || name === 'turned' ? Number(input.value) : input.value;
      if (!(await act('PATCH', '/settings', { [name]: value }))) { form.dataset.key = ''; input.blur(); }
    });
    return label;
  }));
}

// The machine names its services; here they are buttons.
function named(reason) { return reason.replace(/~\/(resume|stop|home|set_origin|pause)/g, (_, name) => `“${t(name)}”`); }

// A logo or a signature is a file; its button names it and takes it away.
function mark(name, text, there) {
  const group = document.createElement('div');
  group.className = 'stack tight';
  const row = document.createElement('div');
  row.className = 'row';
  const file = Object.assign(document.createElement('input'), { type: 'file', accept: 'image/svg+xml,.svg', id: name, className: 'visually-hidden' });
  const choose = Object.assign(document.createElement('label'), { className: 'button compact', htmlFor: name, textContent: t('logo_choose') });
  file.addEventListener('change', () => act('PUT', FILES[name], file.files[0]));
  row.append(file, choose);
  if (there) row.append(button(t('logo_none'), (event) => { event.target.blur(); act('PUT', FILES[name], new Blob([])); }, 'bad'));
  group.append(text, row);
  return group;
}

// A sitter's picture, the sheet that was drawn on, minutes, and the next sitter is drawn in that hand.
function teach(lesson) {
  const { stage } = lesson;
  const text = { learning: () => t('teach_learning', { time: duration(lesson.left_s) }), failed: () => t('teach_failed', { reason: lesson.reason }) };
  const now = text[stage] ? text[stage]() : t(`teach_${stage}`);
  if ($('teach-now').textContent !== now) $('teach-now').textContent = now;
  $('teach-bar').hidden = stage !== 'learning';
  $('teach-bar').firstElementChild.style.width = `${100 * lesson.share}%`;
  const drawn = ['drawn', 'learning', 'ready', 'failed'].includes(stage);
  $('teach-take').hidden = document.querySelector('[for=teach-file]').hidden = stage === 'learning';
  $('teach-sheet').hidden = $('teach-photo').hidden = stage === 'none' || stage === 'learning';
  $('teach-learn').hidden = stage !== 'drawn' && stage !== 'failed';
  $('teach-forget').hidden = $('teach-pictures').hidden = stage === 'none';
  $('teach-drawn').hidden = !drawn;
  $('teach-sheet').href = '/api/operator/teach/sheet';
  const key = stage === 'none' ? '' : drawn ? 'drawn' : 'framed';
  if ($('teach-pictures').dataset.key !== key) {
    $('teach-pictures').dataset.key = key;
    if (key) $('teach-frame').src = `/api/operator/teach/frame?${Date.now()}`;
    if (drawn) $('teach-drawn').src = `/api/operator/teach/drawn?${Date.now()}`;
  }
}

async function lesson(method, path, body) {
  const told = await act(method, `/teach${path}`, body);
  $('teach-pictures').dataset.key = 'new';
  if (told) teach(told);
}

async function update(event) {
  view = event;
  const { machine, now, current } = view;
  $('machine').hidden = false;
  $('machine').textContent = t(`machine_${machine.status}`);
  $('machine').classList.toggle('warn', ['alarm', 'offline', 'paused'].includes(machine.status));
  $('reason').textContent = [machine.machine, named(machine.reason)].filter(Boolean).join(': ');
  const fresh = view.sheet === 'fresh';
  $('sheet').textContent = t(fresh ? 'sheet_fresh' : 'sheet_used');
  $('sheet').classList.toggle('warn', !fresh && !now);
  $('new-sheet').disabled = fresh || Boolean(now && now.state !== 'interrupted');
  $('interrupted').hidden = !current?.interrupted;
  $('interrupted-why').textContent = current?.seems_done ? t('seems_done') : named(current?.reason ?? '');
  document.querySelector('[data-resolve=done]').classList.toggle('main', Boolean(current?.seems_done));
  document.querySelector('[data-resolve=resume]').classList.toggle('main', !current?.seems_done);
  document.querySelector('[data-resolve=resume]').disabled = !current?.can_resume;
  const status = now ? t('now', { n: now.number, name: current?.name ? ` ${current.name}` : '', time: duration(now.remaining_s) }) : t(fresh || view.settings.automatic_feed ? 'nothing' : 'nothing_sheet');
  const text = current?.interrupted ? t('now_interrupted', { n: now.number }) : status;
  if ($('now').textContent !== text) $('now').textContent = text;
  $('bar').hidden = !now;
  $('bar').firstElementChild.style.width = `${100 * (now?.fraction ?? 0)}%`;
  $('drawing').hidden = !now;
  if (current && current.id !== shownId) {
    shownId = current.id;
    drawing.show(await get(`/jobs/${current.id}/lines`));
  }
  if (now) drawing.grow(now.strokes_done, now.pen_down ? now.pen_mm : null);
  if (!current) shownId = '';
  list($('queue'), view.queue, waiting);
  $('no-queue').hidden = view.queue.length > 0;
  $('drawn').textContent = view.drawn_today;
  $('failed').textContent = view.failed_today;
  $('mean').textContent = view.mean_s ? duration(view.mean_s) : '–';
  list($('over'), view.over.slice(0, 12), over);
  settings(view.settings);
  teach(view.teach);
}

async function begin() {
  if (!(await get('/operator/signed-in'))) { signedOut(); return; }
  $('sign-in').hidden = true;
  $('desk').hidden = $('sign-out').hidden = false;
  await update(await get('/operator'));
  if (!listening) { listening = true; listen('?operator', (event) => { if (event.queue && !$('desk').hidden) update(event); }); }
}

$('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const token = await act('POST', '/sign-in', { pin: $('pin').value });
  $('pin').value = '';
  if (token) location.reload();
});
$('sign-out').addEventListener('click', async () => { await act('POST', '/sign-out', {}); location.reload(); });
$('new-sheet').addEventListener('click', () => act('POST', '/sheet'));
$('teach-take').addEventListener('click', () => lesson('POST', '/frame', new Blob([])));
$('teach-learn').addEventListener('click', () => lesson('POST', '/learn', { minutes: 5 }));
$('teach-forget').addEventListener('click', () => lesson('DELETE', ''));
for (const [id, path] of [['teach-file', '/frame'], ['teach-photo-file', '/drawn']]) {
  $(id).addEventListener('change', async (event) => { await lesson('POST', path, event.target.files[0]); event.target.value = ''; });
}
$('test-card').addEventListener('click', () => act('POST', '/test-card'));
for (const node of document.querySelectorAll('[data-command]')) node.addEventListener('click', () => act('POST', '/command', { command: node.dataset.command }));
for (const node of document.querySelectorAll('[data-resolve]')) node.addEventListener('click', () => act('POST', `/jobs/${view.current.id}`, { action: node.dataset.resolve, place: 0 }));

await loadTexts();
languageMenu($('language'), () => { $('queue').dataset.key = $('over').dataset.key = ''; if (view) update(view); });
await begin();
document.body.dataset.ready = 'yes';
