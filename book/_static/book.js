// The pause button of the front page's picture.
document.addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector(".book-pause");
  if (!button) return;
  button.addEventListener("click", () => {
    const pictures = document.querySelectorAll(".closed-loop");
    const isPaused = !pictures[0].classList.contains("is-paused");
    pictures.forEach((picture) => picture.classList.toggle("is-paused", isPaused));
    button.textContent = isPaused ? "Play the motion" : "Pause the motion";
  });
});

// A formula that is wider than its column scrolls within itself; then the keyboard must reach it.
function openWideFormulas() {
  document.querySelectorAll('mjx-container[display="true"]').forEach((formula) => {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  });
}

window.addEventListener("load", () => {
  const typeset = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  Promise.resolve(typeset).then(openWideFormulas);
  window.addEventListener("resize", openWideFormulas);
});
