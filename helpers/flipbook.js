// What animation.Flipbook runs when its last picture is there: a slider over one picture takes the
// place of the strip of all pictures.  A notebook that is not trusted runs no handlers, and GitHub
// drops them: there the strip stays, and no slider is shown that would be dead.
const book = this.closest('div'), label = book.querySelector('label');
const slider = label.querySelector('input'), pages = book.querySelectorAll('figure');
slider.oninput = () => pages.forEach((page, i) => {
  page.style.display = i == slider.value ? 'block' : 'none';
  page.querySelector('img').removeAttribute('width');
});
// The arrow keys are the slider's: JupyterLab would go on to the next cell.
slider.onkeydown = event => event.stopPropagation();
slider.dataset.lmSuppressShortcuts = true;
label.style.display = '';
slider.style.width = `min(80%, ${this.naturalWidth - 60}px)`;
slider.oninput();
