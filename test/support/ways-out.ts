import type { RequestListener } from 'node:http';

/** Where the ways out lead: addresses that a document must not reach. */
export interface Canary {
  /** `address:port` of a web server */
  tcp: string;
  /** `address:port` of whoever hears datagrams */
  udp: string;
}

type Target = (way: string) => string;

/** Ways in markup. Each is given the address to load, which names it. */
const MARKUP: Record<string, (url: string, site: string) => string> = {
  img: (url) => `<img src="${url}">`,
  'scheme in capitals': (url) => `<img src="${url.replace('http:', 'HtTp:')}">`,
  'scheme left out': (url) => `<img src="${url.replace('http:', '')}">`,
  srcset: (url) => `<img srcset="${url} 1x">`,
  picture: (url) => `<picture><source srcset="${url}"><img></picture>`,
  'input image': (url) => `<input type="image" src="${url}">`,
  'body background': (url) => `<table background="${url}"><tr><td>x</table>`,
  'link stylesheet': (url) => `<link rel="stylesheet" href="${url}">`,
  '@import': (url) => `<style>@import url("${url}");</style>`,
  'CSS background': (url) => `<div style="background: url('${url}')">x</div>`,
  'CSS image-set': (url) => `<div style="background: image-set('${url}' 1x)">x</div>`,
  'CSS list-style': (url) => `<ul style="list-style-image: url('${url}')"><li>x</ul>`,
  'CSS content': (url) => `<style>.c::before { content: url("${url}") }</style><p class="c">x`,
  'CSS border-image': (url) => `<div style="border: 2px solid; border-image: url('${url}') 1">x</div>`,
  'CSS mask': (url) => `<div style="mask-image: url('${url}'); -webkit-mask-image: url('${url}')">x</div>`,
  'CSS cursor': (url) => `<div style="cursor: url('${url}'), auto">x</div>`,
  'font-face': (url) =>
    `<style>@font-face { font-family: f${url.length}; src: url("${url}") }</style><p style="font-family: f${url.length}">x`,
  'svg image': (url) => `<svg><image href="${url}" width="9" height="9"/></svg>`,
  'svg feImage': (url) =>
    `<svg><filter id="f"><feImage href="${url}"/></filter><rect width="9" height="9" filter="url(#f)"/></svg>`,
  iframe: (url) => `<iframe src="${url}"></iframe>`,
  'iframe srcdoc': (url) => `<iframe srcdoc="<img src='${url}'>"></iframe>`,
  'iframe data:': (url) => `<iframe src="data:text/html,${encodeURIComponent(`<img src="${url}">`)}"></iframe>`,
  object: (url) => `<object data="${url}"></object>`,
  embed: (url) => `<embed src="${url}">`,
  'meta refresh': (url) => `<iframe srcdoc="<meta http-equiv='refresh' content='0;url=${url}'>"></iframe>`,
  script: (url) => `<script src="${url}"></script>`,
  'script module': (url) => `<script type="module" src="${url}"></script>`,
  preload: (url) => `<link rel="preload" as="image" href="${url}">`,
  modulepreload: (url) => `<link rel="modulepreload" href="${url}">`,
  prefetch: (url) => `<link rel="prefetch" href="${url}">`,
  preconnect: (url) => `<link rel="preconnect" href="${url}">`,
  'dns-prefetch': (url) => `<link rel="dns-prefetch" href="${url}">`,
  prerender: (url) =>
    `<script type="speculationrules">{"prerender":[{"source":"list","urls":["${url}"]}],"prefetch":[{"source":"list","urls":["${url}&prefetch"]}]}</script>`,
  favicon: (url) => `<link rel="icon" href="${url}">`,
  manifest: (url) => `<link rel="manifest" href="${url}">`,
  video: (url) => `<video src="${url}" autoplay muted></video>`,
  audio: (url) => `<audio src="${url}" preload="auto"></audio>`,
  poster: (url) => `<video poster="${url}"></video>`,
  track: (url) => `<video muted crossorigin="anonymous"><track default kind="captions" src="${url}"></video>`,
  'a base': (url) =>
    `<iframe srcdoc="<base href='${new URL(url).origin}/'><img src='${url.slice(new URL(url).origin.length + 1)}'>"></iframe>`,
  'redirect chain': (url, site) =>
    `<img src="${site}/hop?${encodeURIComponent(`${site}/hop?${encodeURIComponent(url)}`)}">`,
  'Refresh header': (url, site) => `<iframe src="${site}/refresh?${encodeURIComponent(url)}"></iframe>`,
  'Link header': (url, site) => `<iframe src="${site}/link?${encodeURIComponent(url)}"></iframe>`,
  'CSP report': (url, site) => `<iframe src="${site}/report?${encodeURIComponent(url)}"></iframe>`,
  XSLT: (url, site) => `<iframe src="${site}/xslt?${encodeURIComponent(url)}"></iframe>`,
};

/** Ways in scripts: statements, in which `url` is the address to load and `udp` an address for datagrams. */
const SCRIPTS: Record<string, string> = {
  fetch: `fetch(url, { mode: 'no-cors' })`,
  'fetch keepalive': `fetch(url, { mode: 'no-cors', keepalive: true })`,
  XHR: `const x = new XMLHttpRequest(); x.open('GET', url); x.send()`,
  beacon: `navigator.sendBeacon(url)`,
  'new Image': `new Image().src = url`,
  WebSocket: `new WebSocket(url.replace('http', 'ws'))`,
  EventSource: `new EventSource(url)`,
  'dynamic import': `import(url)`,
  form: `const f = document.createElement('form'); f.action = url; f.method = 'post'; f.target = url; document.body.insertAdjacentHTML('beforeend', '<iframe name="' + url + '"></iframe>'); document.body.append(f); f.submit()`,
  ping: `const a = document.createElement('a'); a.href = '#'; a.ping = url; document.body.append(a); a.click()`,
  popup: `open(url)`,
  'location of a frame': `const i = document.createElement('iframe'); document.body.append(i); i.contentWindow.location.replace(url)`,
  'frame blob:': `const i = document.createElement('iframe'); i.src = URL.createObjectURL(new Blob(['<img src="' + url + '">'], { type: 'text/html' })); document.body.append(i)`,
  'dedicated worker': `new Worker(URL.createObjectURL(new Blob(['fetch("' + url + '", { mode: "no-cors" })'])))`,
  'nested worker': `const inner = URL.createObjectURL(new Blob(['fetch("' + url + '", { mode: "no-cors" })'])); new Worker(URL.createObjectURL(new Blob(['new Worker("' + inner + '")'])))`,
  'WebSocket of a worker': `new Worker(URL.createObjectURL(new Blob(['new WebSocket("' + url.replace('http', 'ws') + '")'])))`,
  importScripts: `new Worker(URL.createObjectURL(new Blob(['importScripts("' + url + '")'])))`,
  'shared worker': `new SharedWorker(site + '/fetcher.js?' + encodeURIComponent(url))`,
  'service worker': `navigator.serviceWorker.register(site + '/fetcher.js?' + encodeURIComponent(url), { scope: site + '/scope/' + encodeURIComponent(url) })`,
  'cache.add': `caches.open('c').then((cache) => cache.add(new Request(url, { mode: 'no-cors' })))`,
  'WebRTC STUN': `const p = new RTCPeerConnection({ iceServers: [{ urls: 'stun:' + udp }] }); p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o))`,
  'WebRTC TURN over TCP': `const p = new RTCPeerConnection({ iceServers: [{ urls: 'turn:' + new URL(url).host + '?transport=tcp', username: 'u', credential: 'p' }] }); p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o))`,
  'WebRTC TURN over UDP': `const p = new RTCPeerConnection({ iceServers: [{ urls: 'turn:' + udp + '?transport=udp', username: 'u', credential: 'p' }] }); p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o))`,
  WebTransport: `new WebTransport('https://' + udp + '/')`,
  attribution: `const i = new Image(); i.attributionSrc = url; i.src = url`,
};

export const WAYS = [...Object.keys(MARKUP), ...Object.keys(SCRIPTS)];

/** What leads to nobody by its path, only by being spoken to: connections are counted, not requests. */
const SILENT = new Set([
  'WebRTC STUN',
  'WebRTC TURN over TCP',
  'WebRTC TURN over UDP',
  'WebTransport',
  'preconnect',
  'dns-prefetch',
]);

/** Ways that the web server would be told of by their path. */
export const TOLD = WAYS.filter((way) => !SILENT.has(way));

/** A document that tries every way to every canary, and a name for each way that would have to be looked up. */
export function waysOut(canaries: Canary[], site: string): string {
  const target =
    ({ tcp }: Canary): Target =>
    (way) =>
      `http://${tcp}/?way=${encodeURIComponent(way)}`;
  const named: Target = (way) =>
    `http://${way.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.canary.test/?way=${encodeURIComponent(way)}`;
  const all: [Target, string][] = [
    ...canaries.map((canary): [Target, string] => [target(canary), canary.udp]),
    [named, 'stun.canary.test:3478'],
  ];
  const markup = all.flatMap(([url]) => Object.entries(MARKUP).map(([way, write]) => write(url(way), site)));
  const scripts = all.flatMap(([url, udp]) =>
    Object.entries(SCRIPTS).map(
      ([way, statements]) =>
        `<script>(() => { const url = ${JSON.stringify(url(way))}, udp = ${JSON.stringify(udp)}, site = ${JSON.stringify(site)}; try { ${statements} } catch {} })()</script>`,
    ),
  );
  return `<!doctype html><title>Ways out</title><body><p>ways out</p>${markup.join('\n')}${scripts.join('\n')}</body>`;
}

/** The site that the document comes from, and that it may ask. @param page what it is */
export function waysOutSite(page: () => string): RequestListener {
  return (request, response) => {
    const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
    const url = decodeURIComponent(query);
    const send = (type: string, body: string, headers = {}) =>
      response.writeHead(200, { 'content-type': type, 'service-worker-allowed': '/', ...headers }).end(body);
    switch (path) {
      case '/hop':
        response.writeHead(302, { location: url }).end();
        return;
      case '/refresh':
        send('text/html', '<p>refresh', { refresh: `0;url=${url}` });
        return;
      case '/link':
        send('text/html', '<p>link', { link: `<${url}>; rel=preload; as=image` });
        return;
      case '/report':
        send('text/html', '<img src="data:,x"><p>report', {
          'content-security-policy': `img-src 'none'; report-uri ${url}`,
        });
        return;
      case '/xslt':
        send(
          'text/xml',
          `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="${url.replaceAll('&', '&amp;')}"?><a/>`,
        );
        return;
      case '/fetcher.js':
        send('text/javascript', `fetch(${JSON.stringify(url)}, { mode: 'no-cors' })`);
        return;
      default:
        send('text/html', page());
    }
  };
}
