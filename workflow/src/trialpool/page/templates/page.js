"use strict";
// The page says everything without this script; it adds filters, sorting, copying and opening all trials.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const folded = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

  const linked = () => {
    try {
      return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return null; // a hash that is no text leads nowhere
    }
  };

  const filterResults = () => {
    const form = document.getElementById("filter");
    const rows = all("tr[data-analysis]");
    if (!form || !rows.length) return;
    const told = form.querySelector("output");
    const others = new Map();
    for (const element of all("[data-analysis]:not(tr)")) {
      const key = element.dataset.analysis;
      others.set(key, [...(others.get(key) || []), element]);
    }
    const apply = () => {
      const wanted = new FormData(form);
      const words = folded(wanted.get("text")).split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits = ["group", "domain", "comparison", "status"].every(
          (key) => !wanted.get(key) || row.dataset[key] === wanted.get(key)
        );
        const text = folded(row.textContent);
        const visible = fits && words.every((word) => text.includes(word));
        row.hidden = !visible;
        for (const element of others.get(row.dataset.analysis) || []) element.hidden = !visible;
        shown += visible;
      }
      for (const body of all("table.overview tbody")) {
        body.hidden = !all("tr[data-analysis]", body).some((row) => !row.hidden);
      }
      for (const heading of all("h3.group")) {
        let next = heading.nextElementSibling;
        let used = false;
        for (; next && next.matches("article"); next = next.nextElementSibling) used = used || !next.hidden;
        heading.hidden = !used;
      }
      told.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} questions`;
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(apply));
    // A link to a question that the filter hides must still lead there.
    addEventListener("hashchange", () => {
      const target = linked();
      if (target && target.closest("[hidden]")) {
        form.reset();
        setTimeout(() => target.scrollIntoView());
      }
    });
  };

  const cellValue = (cell) => {
    if (!cell) return "";
    const data = cell.querySelector("data");
    const text = data ? data.value : cell.textContent.trim().replace(/\u2212/g, "-");
    const number = text.replace(/[,%]/g, "");
    return number !== "" && Number.isFinite(Number(number)) ? Number(number) : text;
  };

  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // the missing last, whatever the order
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };

  const sortTable = (table, column, ascending) => {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
      const keyed = rows.map((row, place) => ({ row, place, value: cellValue(row.cells[column]) }));
      keyed.sort((a, b) => {
        const order = compare(a.value, b.value);
        const turned = a.value === "" || b.value === "" || ascending ? order : -order;
        return turned || a.place - b.place;
      });
      body.append(...keyed.map((entry) => entry.row));
    }
  };

  const sortable = () => {
    for (const table of all("table[data-sortable]")) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        if (head.classList.contains("plothead")) return;
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const ascending = head.getAttribute("aria-sort") !== "ascending";
          heads.forEach((other) => other.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
          sortTable(table, column, ascending);
        });
      });
    }
  };

  const tableText = (table) =>
    [...table.rows]
      .filter((row) => !row.hidden && !row.classList.contains("source") && !row.classList.contains("axis"))
      .map((row) => [...row.cells].map((cell) => cell.textContent.replace(/\s+/g, " ").trim()).join("\t"))
      .join("\n");

  const copyText = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  const copyable = () => {
    for (const table of all("table[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy table";
      button.addEventListener("click", async () => {
        await copyText(tableText(table));
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy table"), 1500);
      });
      (table.closest(".scroll") || table).after(button);
    }
  };

  const searchTrials = () => {
    const tools = document.getElementById("trialtools");
    if (!tools) return;
    const trials = all("details.trial");
    const told = tools.querySelector("output");
    tools.hidden = false;
    tools.querySelector("input").addEventListener("input", (event) => {
      const words = folded(event.target.value).split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const trial of trials) {
        const text = folded(trial.querySelector("summary").textContent);
        trial.hidden = !words.every((word) => text.includes(word));
        shown += !trial.hidden;
      }
      told.textContent = shown === trials.length ? "" : `${shown} of ${trials.length} trials`;
    });
    for (const button of all("button[data-expand]", tools)) {
      button.addEventListener("click", () => {
        for (const trial of trials) trial.open = button.dataset.expand === "open" && !trial.hidden;
      });
    }
  };

  // Older browsers do not open a closed block that holds the target of a link.
  const reveal = () => {
    const target = linked();
    const block = target && target.closest("details");
    if (block && !block.open) {
      block.open = true;
      target.scrollIntoView();
    }
  };

  filterResults();
  sortable();
  copyable();
  searchTrials();
  addEventListener("hashchange", reveal);
  reveal();
})();
