// The form for how the page is printed: a view of `request` in template.json.

const LENGTH = /^\d+(\.\d+)?(mm|cm|in|px)?$/;

const field = (id) => document.getElementById(id);

/** Fills the form. @param {string | undefined} text of template.json */
export function readOptions(text) {
  const { options = {}, locale = '', timezone = '' } = parse(text)?.request ?? {};
  const { top, right, bottom, left } = options.margin ?? {};
  const sides = [top, right, bottom, left];
  field('format').value = options.preferCSSPageSize === true ? '' : String(options.format ?? 'letter').toLowerCase();
  field('landscape').checked = options.landscape === true;
  showWhoDecides();
  field('margin').value = sides.every((side) => side === undefined)
    ? ''
    : sides.every((side) => side === top)
      ? String(top)
      : sides.map((side) => side ?? '0mm').join(' ');
  field('locale').value = locale;
  field('timezone').value = timezone;
}

/** With `@page` the style sheet says how the page lies. */
function showWhoDecides() {
  const isInCss = field('format').value === '';
  field('page-hint').hidden = !isInCss;
  field('landscape').disabled = isInCss;
}

/** template.json with what the form says. @returns undefined if the text is not JSON, or the form is not valid */
export function withOptions(text) {
  const parsed = parse(text);
  if (parsed === undefined) return undefined;
  showWhoDecides();
  const margins = field('margin').value.trim().split(/\s+/).filter(Boolean);
  const isValid = [0, 1, 4].includes(margins.length) && margins.every((each) => LENGTH.test(each));
  field('margin').setCustomValidity(isValid ? '' : 'allowed: one length such as 20mm, or four: top right bottom left');
  if (!isValid) return undefined;
  const request = { ...parsed.request };
  const options = { ...request.options };
  const format = field('format').value;
  set(options, 'preferCSSPageSize', format === '' ? true : undefined);
  if (format !== '')
    options.format = format.length === 2 ? format.toUpperCase() : `${format[0].toUpperCase()}${format.slice(1)}`;
  set(options, 'landscape', field('landscape').checked || undefined);
  const [top, right = top, bottom = top, left = right] = margins;
  set(options, 'margin', top === undefined ? undefined : { top, right, bottom, left });
  set(request, 'options', Object.keys(options).length > 0 ? options : undefined);
  set(request, 'locale', field('locale').value.trim() || undefined);
  set(request, 'timezone', field('timezone').value.trim() || undefined);
  return `${JSON.stringify({ ...parsed, request }, null, 2)}\n`;
}

function parse(text = '{}') {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function set(object, key, value) {
  if (value === undefined) delete object[key];
  else object[key] = value;
}
