/**
 * Everything in which a script can keep something at its origin or in its page. Each is JavaScript: `put` keeps the
 * value `left`, `look` says whether one is there. What this context does not have keeps nothing.
 */
const KEEPERS: Record<string, { put: string; look: string }> = {
  localStorage: { put: `localStorage.left = 1`, look: `'left' in localStorage` },
  sessionStorage: { put: `sessionStorage.left = 1`, look: `'left' in sessionStorage` },
  cookie: { put: `document.cookie = 'left=1; max-age=3600'`, look: `document.cookie.includes('left')` },
  'cookie of the site': {
    put: `document.cookie = 'site=1; max-age=3600; domain=' + location.hostname.replace(/^[^.]+\\./, '')`,
    look: `document.cookie.includes('site')`,
  },
  indexedDB: {
    put: `await new Promise((done, failed) => {
      const request = indexedDB.open('left');
      request.onsuccess = done;
      request.onerror = failed;
    })`,
    look: `(await indexedDB.databases()).length > 0`,
  },
  'file system': {
    put: `await new Promise((done) => (window.webkitRequestFileSystem ?? ((_, _size, give) => give()))(0, 1000,
      (fs) => (fs ? fs.root.getFile('left', { create: true }, done, done) : done()), done))`,
    look: `await new Promise((done) => (window.webkitRequestFileSystem ?? ((_, _size, give) => give()))(0, 1000,
      (fs) => (fs ? fs.root.getFile('left', {}, () => done(true), () => done(false)) : done(false)), () => done(false)))`,
  },
  caches: { put: `await window.caches?.open('left')`, look: `(await window.caches?.has('left')) === true` },
  'origin private files': {
    put: `await (await navigator.storage?.getDirectory())?.getFileHandle('left', { create: true })`,
    look: `await (await navigator.storage?.getDirectory())?.getFileHandle('left').then(() => true, () => false) ?? false`,
  },
  locks: {
    put: `navigator.locks?.request('left', () => new Promise(() => 0))`,
    look: `((await navigator.locks?.query())?.held.length ?? 0) > 0`,
  },
  'service worker': {
    put: `await navigator.serviceWorker?.register('/').catch(() => 0)`,
    look: `((await navigator.serviceWorker?.getRegistrations())?.length ?? 0) > 0`,
  },
  BroadcastChannel: {
    put: `const channel = new BroadcastChannel('left'); channel.onmessage = () => channel.postMessage('left')`,
    look: `await new Promise((done) => {
      const channel = new BroadcastChannel('left');
      channel.onmessage = () => done(true);
      channel.postMessage('anybody?');
      setTimeout(done, 100, false);
    })`,
  },
  SharedWorker: {
    put: `new SharedWorker('data:text/javascript,onconnect = ({ ports: [port] }) => port.postMessage(self.seen = (self.seen ?? 0) + 1)', 'left')`,
    look: `await new Promise((done) => {
      const { port } = new SharedWorker('data:text/javascript,onconnect = ({ ports: [port] }) => port.postMessage(self.seen = (self.seen ?? 0) + 1)', 'left');
      port.onmessage = ({ data }) => done(data > 1);
      setTimeout(done, 500, false);
    })`,
  },
  'the name of the window': { put: `window.name = 'left'`, look: `window.name !== ''` },
  history: { put: `history.pushState('left', '', '?left')`, look: `history.length !== 2 || history.state !== null` },
  globals: {
    put: `window.left = Array.prototype.left = 1`,
    look: `window.left !== undefined || [].left !== undefined`,
  },
  timers: {
    put: `setInterval(() => document.body.append(' ghost '), 5)`,
    look: `await new Promise((done) => setTimeout(done, 50)).then(() => document.body.innerText.includes('ghost'))`,
  },
  permissions: {
    put: `await navigator.geolocation?.getCurrentPosition(() => 0, () => 0)`,
    look: `(await navigator.permissions?.query({ name: 'geolocation' }))?.state === 'granted'`,
  },
};

/** A document that looks for what is left, says what it finds, and leaves everything itself. It ends with `#done`. */
export const KEEPING_PAGE = `<body><script type="module">
  const found = [], failed = [];
  const looks = {${Object.entries(KEEPERS)
    .map(([name, { look }]) => `'${name}': async () => ${look}`)
    .join()}};
  const puts = {${Object.entries(KEEPERS)
    .map(([name, { put }]) => `'${name}': async () => { ${put} }`)
    .join()}};
  for (const [name, look] of Object.entries(looks))
    if (await look().catch((error) => failed.push(name + ' ' + error))) found.push(name);
  for (const [name, put] of Object.entries(puts)) await put().catch((error) => failed.push(name + ' ' + error));
  const kept = [];
  for (const [name, look] of Object.entries(looks)) if (await look().catch(() => false)) kept.push(name);
  document.body.innerHTML = '<p id="done">';
  document.getElementById('done').textContent = 'found: ' + found + '; failed: ' + failed + '; kept: ' + kept + ' end';
</script>`;
