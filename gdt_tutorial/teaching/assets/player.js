(function () {
  function start(player) {
    player.classList.add("is-ready");
    var frames = JSON.parse(player.querySelector("script[type='application/json']").textContent);
    var light = player.querySelector("img.gdt-light"), dark = player.querySelector("img.gdt-dark");
    var sliders = [].slice.call(player.querySelectorAll("input")), outputs = player.querySelectorAll("output");
    var slider = sliders[0], play = player.querySelector("button"), last = frames.text.length - 1;
    var name = play ? play.getAttribute("aria-label").replace(/^Play/, "") : "", timer = null, decoded = false;
    function show() {
      var i = 0;
      sliders.forEach(function (each, s) {
        var texts = frames.sliders[s], value = Number(each.value);
        i = i * texts.length + value;
        outputs[s].textContent = texts[value];
        each.setAttribute("aria-valuetext", texts[value]);
        each.style.setProperty("--gdt-done", (100 * value / (texts.length - 1)) + "%");
      });
      light.src = frames.light[i];
      dark.src = frames.dark[i];
      light.alt = dark.alt = frames.alt[i];
    }
    function decode() {
      if (decoded) return;
      decoded = frames[getComputedStyle(dark).display === "none" ? "light" : "dark"].map(function (source) {
        var picture = new Image();
        picture.src = source;
        if (picture.decode) picture.decode().catch(function () {});
        return picture;
      });
    }
    function pause() {
      if (!play) return;
      clearInterval(timer);
      timer = null;
      play.classList.remove("is-playing");
      play.setAttribute("aria-label", "Play" + name);
    }
    function step() {
      if (!player.isConnected) return pause();
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) >= last) pause();
    }
    if (play) play.addEventListener("click", function () {
      if (timer) return pause();
      decode();
      if (Number(slider.value) >= last) { slider.value = 0; show(); }
      play.classList.add("is-playing");
      play.setAttribute("aria-label", "Pause" + name);
      timer = setInterval(step, Math.max(250, Math.min(900, 8000 / (last + 1))));
    });
    sliders.forEach(function (each) { each.addEventListener("input", function () { pause(); show(); }); });
    ["pointerenter", "focusin"].forEach(function (event) { player.addEventListener(event, decode); });
    var strip = document.createElement("div");
    strip.className = "gdt-print";
    strip.setAttribute("aria-hidden", "true");
    frames.print.forEach(function (i) {
      var cell = strip.appendChild(document.createElement("div"));
      cell.appendChild(new Image()).src = frames.light[i];
      cell.lastChild.alt = "";
      cell.lastChild.className = "dark-light";
      cell.appendChild(document.createElement("span")).textContent = frames.text[i];
    });
    player.insertBefore(strip, light);
    player.querySelector(".gdt-still").hidden = true;
    player.querySelectorAll(".gdt-controls").forEach(function (row) { row.hidden = false; });
    show();
  }
  document.querySelectorAll(".gdt-player:not(.is-ready)").forEach(start);
})();
