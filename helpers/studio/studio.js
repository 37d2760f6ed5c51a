// Each snippet below stands in an attribute of an element (`this`).  Lines of comment are left out
// there, and line ends become spaces: end every statement with a semicolon.

//: begin
// The ears and the voice of the page; without them all controls still work.
const begin = (tries) => {
  const root = this.closest('.nst');
  if (!root) { if (tries) setTimeout(() => begin(tries - 1), 200); return; }
  if (root.heard) return;
  root.heard = true;
  const mine = (target) => target instanceof Element && root.contains(target);
  // A message appears where the hand is.
  const place = (event) => {
    if (!mine(event.target)) return;
    const box = event.target.getBoundingClientRect(), all = root.getBoundingClientRect();
    // Fields that a snippet fills are hidden.
    if (!box.width) return;
    root.style.setProperty('--y', Math.round(box.bottom - all.top) + 'px');
    root.style.setProperty('--x', Math.round(box.left - all.left) + 'px');
  };
  root.addEventListener('pointerdown', place, true);
  root.addEventListener('focusin', place, true);
  root.addEventListener('change', place, true);
  // JupyterLab listens on the document: arrow keys on a slider of the browser's would move cells.
  const keys = (event) => {
    if (!root.isConnected) { window.removeEventListener('keydown', keys, true); return; }
    const way = { PageDown: 'next', ArrowRight: 'next', PageUp: 'previous', ArrowLeft: 'previous' }[event.key];
    const turn = way && `.nst-${way} button, button.nst-${way}`;
    const shown = turn && root.classList.contains('nst-classroom') && root.getClientRects().length;
    const moves = mine(event.target) && event.target.matches('input, [role=slider]');
    if (shown && !(moves && event.key.startsWith('Arrow'))) {
      root.querySelector(turn).click();
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (mine(event.target) && event.target.matches('input[type=range]')) {
      event.stopImmediatePropagation();
    }
  };
  window.addEventListener('keydown', keys, true);
  // Names and values for those who do not see them.
  const say = () => {
    root.said = 0;
    const put = (e, name, value) => { if (e.getAttribute(name) !== value) e.setAttribute(name, value); };
    root.querySelectorAll('.noUi-handle, .ui-slider-handle').forEach((handle) => {
      const row = handle.closest('.nst-number') || handle.closest('.widget-slider');
      const label = row.querySelector('.widget-label'), typed = row.querySelector('input');
      const read = row.querySelector('.widget-readout');
      put(handle, 'role', 'slider');
      if (label) put(handle, 'aria-label', label.textContent);
      if (label && typed) put(typed, 'aria-label', label.textContent + ', typed');
      put(handle, 'aria-valuetext', typed ? typed.value : read ? read.textContent : '');
    });
    root.querySelectorAll('[title=null]').forEach((label) => label.removeAttribute('title'));
    root.querySelectorAll('.nst-face').forEach((face) => {
      put(face.querySelector('button'), 'aria-pressed', String(face.classList.contains('nst-chosen')));
    });
    root.querySelectorAll('.nst-tabs button').forEach((tab) => {
      put(tab, 'aria-pressed', String(tab.classList.contains('mod-active')));
    });
    const caption = root.querySelector('.nst-caption p');
    root.querySelectorAll('img.nst-view').forEach((image) => {
      if (caption) put(image, 'alt', caption.textContent);
    });
    const what = root.querySelector('.nst-wipe .nst-sr');
    root.querySelectorAll('img.nst-before').forEach((image) => {
      if (what) put(image, 'alt', what.textContent);
    });
  };
  const soon = () => { if (!root.said) root.said = setTimeout(say, 100); };
  const what = { subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'aria-valuenow'] };
  new MutationObserver(soon).observe(root, what);
  say();
};
begin(50);

//: wipe
this.closest('.nst-picture').style.setProperty('--wipe', this.value + '%');

//: wiped
const picture = this.closest('.nst-picture');
if (picture) picture.style.setProperty('--wipe', picture.querySelector('input').value + '%');

//: click
this.previousElementSibling.click();
this.remove();

//: shrink
// Shrinks a picture in the browser to what every notebook's messages can carry (Colab drops those
// of a widget above 1 MB without a word), upright and in sRGB, and puts it into the text area.
const to = this.closest('.nst-upload').querySelector('textarea'), file = this.files[0];
const shrunk = (image) => {
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
  let side = 2048, quality = 0.92, data;
  do {
    const k = Math.min(1, side / Math.max(image.width, image.height));
    canvas.width = Math.round(k * image.width);
    canvas.height = Math.round(k * image.height);
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    data = canvas.toDataURL('image/jpeg', quality);
    side *= 0.9;
    quality = Math.max(0.8, quality - 0.03);
  } while (data.length > 900000);
  return file.name + '|' + data;
};
if (file) {
  const label = this.closest('.nst-drop');
  label.classList.add('nst-reading');
  createImageBitmap(file, { imageOrientation: 'from-image' })
    .then(shrunk, () => file.name + '|')
    .then((text) => {
      label.classList.remove('nst-reading');
      to.value = text;
      to.dispatchEvent(new Event('change', { bubbles: true }));
    });
}

//: head
// The beginning of the file as it is, where its settings stand.
const to = this.closest('.nst-upload').querySelector('textarea'), file = this.files[0];
const reader = new FileReader();
reader.onload = () => {
  to.value = file.name + '|' + reader.result;
  to.dispatchEvent(new Event('change', { bubbles: true }));
};
if (file) reader.readAsDataURL(file.slice(0, 600000));

//: draw
// A round brush, as wide as the slider says in hundredths of the picture's width.
if (event.buttons) {
  const pen = this.getContext('2d'), k = this.width / this.clientWidth;
  const x = k * event.offsetX, y = k * event.offsetY;
  if (event.type == 'pointerdown') {
    this.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(x - 0.1, y);
  }
  pen.lineWidth = this.width * this.closest('.nst-upload').querySelector('input').value / 100;
  pen.lineCap = pen.lineJoin = 'round';
  pen.strokeStyle = '#fff';
  pen.lineTo(x, y);
  pen.stroke();
}

//: clear
const drawn = this.closest('.nst-upload').querySelector('canvas');
drawn.width = drawn.width;

//: send
const box = this.closest('.nst-upload'), drawn = box.querySelector('canvas');
const to = box.querySelector('textarea'), all = document.createElement('canvas');
all.width = drawn.width;
all.height = drawn.height;
const pen = all.getContext('2d');
pen.fillRect(0, 0, all.width, all.height);
pen.drawImage(drawn, 0, 0);
to.value = 'brush.png|' + all.toDataURL();
to.dispatchEvent(new Event('change', { bubbles: true }));
