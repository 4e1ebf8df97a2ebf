(function () {
  function start(quiz) {
    quiz.classList.add("is-ready");
    var button = quiz.querySelector("button"), result = quiz.querySelector(".gdt-result"), answers = quiz.querySelector("details");
    function say(kind, title, why) {
      result.className = "gdt-result is-" + kind;
      result.textContent = "";
      result.appendChild(document.createElement("strong")).textContent = title;
      if (why) result.appendChild(why.cloneNode(true));
    }
    button.addEventListener("click", function () {
      var chosen = quiz.querySelector("input:checked");
      if (!chosen) return say("asking", "Choose an answer first.");
      var answer = answers.querySelectorAll("li")[Number(chosen.value)], right = answer.dataset.right === "1";
      say(right ? "right" : "wrong", right ? "Right." : "Not right; try another one.", answer.querySelector(".gdt-why"));
      if (right) answers.hidden = false;
    });
    quiz.addEventListener("change", function () { result.textContent = ""; });
    button.hidden = false;
    answers.hidden = true;
  }
  document.querySelectorAll(".gdt-quiz:not(.is-ready)").forEach(start);
})();
