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
