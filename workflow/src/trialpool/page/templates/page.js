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

  const FILTER = "#filter:"; // a filter stands in the address, so that it can be sent on

  const filterResults = () => {
    const form = document.getElementById("filter");
    const questions = all("details.analysis");
    const items = questions.length ? questions : all("tr[data-analysis]");
    if (!form || !items.length) return;
    const told = form.querySelector("output");
    const rows = new Map(all("tr[data-analysis]").map((row) => [row.dataset.analysis, row]));
    const apply = () => {
      const wanted = new FormData(form);
      const words = folded(wanted.get("text")).split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const item of items) {
        const fits = ["group", "domain", "comparison", "status"].every(
          (key) => !wanted.get(key) || item.dataset[key] === wanted.get(key)
        );
        const row = rows.get(item.dataset.analysis);
        const text = folded(`${(item.querySelector("summary") || item).textContent} ${row ? row.textContent : ""}`);
        item.hidden = !(fits && words.every((word) => text.includes(word)));
        if (row) row.hidden = item.hidden;
        shown += !item.hidden;
      }
      const all_shown = shown === items.length;
      for (const body of all("table.overview tbody")) {
        body.hidden = !all("tr[data-analysis]", body).some((row) => !row.hidden);
      }
      for (const block of all("details.others")) {
        const kept = all("[data-analysis]", block).filter((each) => !each.hidden).length;
        block.hidden = !kept;
        if (!all_shown) block.open = true;
      }
      for (const heading of all("h3.group")) {
        let next = heading.nextElementSibling;
        let used = false;
        for (; next && next.matches("details"); next = next.nextElementSibling) used = used || !next.hidden;
        heading.hidden = !used;
      }
      told.textContent = all_shown ? "" : shown ? `${shown} of ${items.length} questions` : "No question fits all of these.";
      return all_shown;
    };
    const write = () => {
      const set = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      const all_shown = apply();
      if (location.hash.startsWith(FILTER) || !all_shown) history.replaceState(null, "", all_shown ? "#results" : FILTER + set);
    };
    const read = () => {
      if (!location.hash.startsWith(FILTER)) return false;
      for (const [name, value] of new URLSearchParams(location.hash.slice(FILTER.length))) {
        if (form.elements[name]) form.elements[name].value = value;
      }
      apply();
      return true;
    };
    form.hidden = false;
    form.addEventListener("input", write);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(write));
    if (read()) document.getElementById("results").scrollIntoView();
    // A link to a question that the filter hides must still lead there.
    addEventListener("hashchange", () => {
      const target = linked();
      if (!read() && target && target.closest("[hidden]")) {
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
    for (const part of all("[data-copy]")) {
      const isTable = part.matches("table");
      const name = isTable ? "Copy table" : "Copy";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = name;
      button.addEventListener("click", async () => {
        await copyText(isTable ? tableText(part) : part.textContent);
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = name), 1500);
      });
      (part.closest(".scroll") || part).after(button);
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

  // A link opens every closed block that holds its target, or that it leads to.
  const reveal = () => {
    const target = linked();
    let opened = false;
    for (let block = target && target.closest("details"); block; block = block.parentElement.closest("details")) {
      opened = opened || !block.open;
      block.open = true;
    }
    if (opened) target.scrollIntoView();
  };

  // On paper every block is open; afterwards as it was.
  const unfold = () => {
    let closed = [];
    addEventListener("beforeprint", () => {
      closed = all("details.analysis, details.others, details.sof, details.claimbody").filter((each) => !each.open);
      for (const each of closed) each.open = true;
    });
    addEventListener("afterprint", () => {
      for (const each of closed) each.open = false;
    });
  };

  filterResults();
  sortable();
  copyable();
  searchTrials();
  unfold();
  addEventListener("hashchange", reveal);
  reveal();
})();
