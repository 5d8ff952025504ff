"use strict";
// Points at one plan in every plot and table at once.
(() => {
  const pointed = document.getElementById("pointed");
  const first = pointed ? pointed.textContent : "";
  let held = null;
  const show = plan => {
    for (const e of document.querySelectorAll(".mark, .whisker, tr[data-plan]")) e.classList.toggle("on", e.dataset.plan === plan);
    const mark = plan === null ? null : document.querySelector('.mark[data-plan="' + plan + '"] title');
    if (pointed) pointed.textContent = mark ? mark.textContent : first;
  };
  for (const e of document.querySelectorAll(".mark, tr[data-plan]")) {
    e.addEventListener("mouseenter", () => show(e.dataset.plan));
    e.addEventListener("mouseleave", () => show(held));
    e.addEventListener("focus", () => show(e.dataset.plan));
    e.addEventListener("click", () => {
      held = held === e.dataset.plan ? null : e.dataset.plan;
      show(held);
    });
  }
})();
