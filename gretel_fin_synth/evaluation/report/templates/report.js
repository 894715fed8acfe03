// Tabs, tooltips and arrow keys. Without this script all panels are shown and browsers show the titles.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  // Tabs: a list of buttons above panels that are all there without a script, and in print.
  for (const group of document.querySelectorAll("[data-tabs]")) {
    const panels = [...group.children].filter((child) => child.matches("[data-tab]"));
    if (panels.length < 2) continue;
    const list = document.createElement("div");
    list.className = "tablist";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", group.dataset.tabs);
    const tabs = panels.map((panel, place) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.id = `${panel.id}-tab`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      const name = document.createElement("span");
      name.textContent = panel.dataset.tab;
      tab.append(name);
      if (panel.dataset.note) {
        const note = document.createElement("small");
        note.textContent = panel.dataset.note;
        tab.append(note);
      }
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(place, false));
      list.append(tab);
      return tab;
    });
    const choose = (chosen, focus) => {
      tabs.forEach((tab, place) => {
        const on = place === chosen;
        tab.setAttribute("aria-selected", String(on));
        tab.tabIndex = on ? 0 : -1;
        panels[place].classList.toggle("away", !on);
      });
      if (focus) tabs[chosen].focus();
    };
    list.addEventListener("keydown", (event) => {
      const now = tabs.indexOf(document.activeElement);
      const next = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (next === undefined || now < 0) return;
      event.preventDefault();
      choose((next + tabs.length) % tabs.length, true);
    });
    group.prepend(list);
    choose(0, false);
  }

  // Tooltips: what a mark says, in a box by the pointer; arrow keys go from mark to mark of the plot in focus.
  const box = document.createElement("div");
  box.className = "tooltip";
  box.setAttribute("role", "status");
  box.hidden = true;
  document.body.append(box);
  const said = new WeakMap();
  let lit = null;
  const dim = () => {
    if (lit) lit.classList.remove("lit");
    lit = null;
    box.hidden = true;
  };
  const show = (mark, x, y) => {
    if (lit && lit !== mark) lit.classList.remove("lit");
    lit = mark;
    mark.classList.add("lit");
    box.textContent = said.get(mark);
    box.hidden = false;
    const wide = box.offsetWidth, high = box.offsetHeight;
    const left = Math.min(Math.max(8, x - wide / 2), root.clientWidth - wide - 8);
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${y - high - 12 < 4 ? y + 18 : y - high - 12}px`;
  };
  for (const plot of document.querySelectorAll("svg[role=img]")) {
    const marks = [];
    for (const title of plot.querySelectorAll("title")) {
      const mark = title.parentNode;
      said.set(mark, title.textContent);
      title.remove();
      marks.push(mark);
    }
    if (marks.length < 2) {
      plot.addEventListener("pointermove", (event) => marks.length && show(marks[0], event.clientX, event.clientY));
      plot.addEventListener("pointerleave", dim);
      continue; // its figures stand beside it: no stop for the keyboard
    }
    plot.setAttribute("tabindex", "0");
    let now = -1;
    plot.addEventListener("pointermove", (event) => {
      const mark = event.target.closest("*");
      if (said.has(mark)) show(mark, event.clientX, event.clientY);
      else dim();
    });
    plot.addEventListener("pointerleave", dim);
    const step = (place) => {
      now = Math.min(Math.max(place, 0), marks.length - 1);
      const edge = marks[now].getBoundingClientRect();
      show(marks[now], edge.left + edge.width / 2, edge.top);
    };
    plot.addEventListener("focus", () => { if (plot.matches(":focus-visible")) step(Math.max(now, 0)); });
    plot.addEventListener("blur", dim);
    plot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return dim();
      const next = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: marks.length - 1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      step(next);
    });
  }
  addEventListener("scroll", dim, { passive: true });

  // Which section is being read.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  if ("IntersectionObserver" in window) {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        const link = links.get(entry.target.id);
        if (link) link.setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-15% 0px -75% 0px" });
    document.querySelectorAll("main > section[id]").forEach((section) => seen.observe(section));
  }
})();
