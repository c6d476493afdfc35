// The page at rest: earlier drawings, and the one on the paper, draw themselves; any touch or key begins.
import { $, Sheet, duration, get, listen, loadTexts, showWay, t } from '/studio.js';

const drawing = new Sheet($('drawing'));
const LONG_S = 12;
let now = null;
let shown = 0;

const begin = () => { location.href = '/?kiosk'; };
$('begin').addEventListener('click', begin);
addEventListener('pointerup', begin);
addEventListener('keydown', (event) => { if (['Enter', ' ', 'ArrowRight', 'PageDown', 'PageUp', 'F8', 'F9', '1'].includes(event.key)) { event.preventDefault(); begin(); } });

await loadTexts();
listen('?kiosk', (event) => {
  if (event.invited) { location.href = `/?kiosk#sitting=${event.invited}`; return; }
  now = event.now;
  showWay(event.way);
  const busy = event.waiting.length ? t('busy', { n: event.waiting.length }) : t('quiet');
  const text = !event.open ? t('closed') : now ? t('rest_now', { n: now.number, time: duration(now.remaining_s) }) : busy;
  if ($('busy').textContent !== text) $('busy').textContent = text;
  if (shown && now?.number === shown) drawing.grow(now.strokes_done, now.pen_down ? now.pen_mm : null);
});

async function rest() {
  for (;;) {
    if (now?.shown) {
      const lines = await get('/now/lines').catch(() => null);
      if (lines) {
        shown = now.number;
        drawing.bare = false;
        drawing.show(lines);
        while (now?.number === shown) await pause(0.3);
        shown = 0;
        drawing.done = drawing.pen = null;
        drawing.paint();
        await pause(6);
      }
    }
    const entries = await get('/gallery?most=12').catch(() => []);
    if (!entries.length) { drawing.clear(); $('drawing').hidden = true; await pause(3); continue; }
    $('drawing').hidden = false;
    for (const entry of entries) {
      drawing.show(entry.lines);
      await drawing.play(LONG_S);
      await pause(4);
      if (now?.shown) break;
    }
  }
}

const pause = (seconds) => new Promise((next) => setTimeout(next, 1000 * seconds));
document.body.dataset.ready = 'yes';
document.documentElement.requestFullscreen?.().catch(() => {});
rest();
