import type { Layer } from '../../domain/layer.ts';
import type { CopyPlan } from './plan-copies.ts';

/** Where a text or an image is on a page; lengths are points. */
export interface Place {
  position: string;
  margin: number;
  /** degrees, clockwise, or along which diagonal of the page */
  rotate: Layer['rotate'];
  /** from there to the right, and down */
  x: number;
  y: number;
  /** of its own size */
  scale?: number | undefined;
  /** share of the page into which it fits, before it is turned */
  fit?: number | undefined;
}

interface Arrangement {
  plan: CopyPlan;
  /** for messages */
  field: string;
  /** of the element of the class `layer`; the whole page if undefined */
  place?: Place;
  /** said if an image of ours cannot be read */
  imageProblem?: string;
}

/**
 * JavaScript that makes a document into copies of itself, each on a page of its size, with the numbers filled in. It
 * works on the document as the browser has understood it: an unclosed tag ends with its copy. What the copies are in
 * bounds them, and contains what is fixed.
 * @returns an expression, of a promise of what is wrong, if anything is
 */
export function arrangeCopies({ plan: { sheets, copies }, field, place, imageProblem }: Arrangement): string {
  const given = JSON.stringify({ sheets, copies, field, place, imageProblem });
  return `(${ARRANGE})(${given}).catch((error) => ${JSON.stringify(field)} + ': ' + error)`;
}

// Each page is a little less high than its sheet: a rounding must not make it two pages.
// What has no width of its own is scaled as it is turned: only its turned box says whether it fits. Margins that leave
// less than half of a side do not count for that: a label may be hardly larger than its margins.
const ARRANGE = `async ({ sheets, copies, field, place, imageProblem }) => {
  const images = () => Promise.all(Array.from(document.images, (image) => image.decode().catch(() => imageProblem)));
  const root = document.documentElement;
  const original = document.body;
  if (original?.localName !== 'body') return field + ': it has no body that could be put on a page';
  for (const image of document.images) image.loading = 'eager';
  const found = (await images()).find(Boolean);
  if (found) return found;
  const important = (element, styles) => {
    for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value, 'important');
  };
  const plain = { display: 'block', position: 'static', margin: '0', padding: '0', border: '0', float: 'none', transform: 'none', columns: 'auto' };
  important(root, { ...plain, width: 'auto', height: 'auto', 'min-height': '0', overflow: 'visible', contain: 'none' });
  const style = document.createElement('style');
  style.textContent = '@page { margin: 0 !important }' + sheets.map(({ width, height }, index) =>
    '@page pdfprompt' + index + ' { margin: 0 !important; size: ' + width + 'pt ' + height + 'pt !important }').join('');
  const own = getComputedStyle(original);
  const isOnPage = getComputedStyle(root).backgroundImage === 'none' && /^rgba\\(.*, 0\\)$/.test(getComputedStyle(root).backgroundColor);
  const backgrounds = isOnPage ? ['background-color', 'background-image', 'background-position', 'background-size', 'background-repeat', 'background-origin', 'background-clip'].map((name) => [name, own.getPropertyValue(name)]) : [];
  const first = document.createElement('body');
  important(first, { display: 'none' });
  const canvases = [...original.querySelectorAll('canvas')];
  const pages = copies.map(({ sheet, pageNumber, total }, index) => {
    const body = index === copies.length - 1 ? original : original.cloneNode(true);
    if (body !== original)
      body.querySelectorAll('canvas').forEach((canvas, at) => canvas.getContext('2d')?.drawImage(canvases[at], 0, 0));
    if (pageNumber !== undefined) for (const element of body.querySelectorAll('.pageNumber')) element.textContent = pageNumber;
    for (const element of body.querySelectorAll('.totalPages')) element.textContent = total;
    const page = document.createElement('pdfprompt-page');
    const { width, height } = sheets[sheet];
    important(page, { ...plain, ...Object.fromEntries(backgrounds), width: width + 'pt', height: (height - 0.05) + 'pt', overflow: 'hidden',
      contain: 'strict', page: 'pdfprompt' + sheet, 'break-after': index < copies.length - 1 ? 'page' : 'auto' });
    if (isOnPage) important(body, { background: 'none' });
    page.append(body);
    return page;
  });
  root.append(style, first, ...pages);
  if (place) for (const page of pages) {
    const element = page.querySelector('.layer');
    const limit = page.getBoundingClientRect();
    const margin = place.margin * 4 / 3;
    const diagonal = Math.atan2(limit.height, limit.width) * 180 / Math.PI;
    const angle = { 'diagonal-up': -diagonal, 'diagonal-down': diagonal }[place.rotate] ?? place.rotate;
    const turn = 'rotate(' + angle + 'deg)';
    const own = element.getBoundingClientRect();
    element.style.transform = turn;
    const size = element.getBoundingClientRect();
    const room = (side) => Math.max(side - 2 * margin, side / 2);
    const fitting = Math.min(1, room(limit.width) / size.width, room(limit.height) / size.height);
    const shared = place.fit && Math.min(place.fit * limit.width / own.width, place.fit * limit.height / own.height);
    const scale = place.scale ?? shared ?? (element.style.width ? 1 : fitting);
    element.style.transform = turn + ' scale(' + scale + ')';
    const box = element.getBoundingClientRect();
    const at = (start, end, from, size, side) => {
      const inset = Math.min(margin, Math.max(0, side - size));
      return from + (place.position.includes(start) ? inset : place.position.includes(end) ? side - size - inset : (side - size) / 2);
    };
    element.style.left = at('left', 'right', limit.left, box.width, limit.width) - box.left + place.x * 4 / 3 + 'px';
    element.style.top = at('top', 'bottom', limit.top, box.height, limit.height) - box.top + place.y * 4 / 3 + 'px';
  }
  await images();
}`;
