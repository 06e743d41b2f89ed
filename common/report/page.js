/* Tables that sort, filter and download; figures with their data; nothing is fetched. */
(function () {
"use strict";

function make(tag, properties, children) {
	const e = Object.assign(document.createElement(tag), properties || {});
	(children || []).forEach(c => e.append(c));
	return e;
}

function say(text) {
	document.getElementById("said").textContent = text;
}

function download(name, type, text) {
	const a = make("a", { href: URL.createObjectURL(new Blob([text], { type: type })), download: name });
	document.body.append(a);
	a.click();
	a.remove();
	setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}

/* A text with tabs; a field in double quotes may hold tabs and line breaks, "" stands for a quote. */
function parse(text) {
	const rows = [];
	let row = [], at = 0;
	while (at < text.length) {
		let field = "";
		if (text[at] === '"') {
			for (at++; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at++) {
				at += text[at] === '"' ? 1 : 0;
				field += text[at];
			}
			at++;
		} else {
			let end = at;
			while (end < text.length && text[end] !== "\t" && text[end] !== "\n")
				end++;
			field = text.slice(at, end);
			at = end;
		}
		row.push(field);
		if (text[at] === "\t" && (text[at + 1] === "\n" || at + 1 === text.length))
			row.push("");
		if (text[at] !== "\t" || text[at + 1] === "\n" || at + 1 === text.length) {
			at += text[at] === "\t" ? 1 : 0;
			rows.push(row);
			row = [];
		}
		at++;
	}
	return rows;
}

const missing = t => t === "" || t === "NA" || t === "NaN" || t === "N/A" || t === "null";
const number = t => t === "Inf" ? Infinity : t === "-Inf" ? -Infinity : Number(t);

function shown(text, numeric) {
	if (missing(text))
		return "";
	return !numeric || !isFinite(text) ? text : String(Number(Number(text).toPrecision(4)));
}

function csv(head, rows) {
	const quote = t => /[",\r\n]/.test(t) ? '"' + t.replace(/"/g, '""') + '"' : t;
	return [head].concat(rows).map(r => r.map(quote).join(",") + "\r\n").join("");
}

/* Numbers before what is missing, whatever the direction; equal ones stay in the order of the file. */
function compare(column, numeric, sign) {
	const order = new Intl.Collator("en", { numeric: true }).compare;
	return (a, b) => {
		const x = a.cells[column], y = b.cells[column], none = missing(x) - missing(y);
		if (none || missing(x))
			return none || a.place - b.place;
		return sign * (numeric ? number(x) - number(y) : order(x, y)) || a.place - b.place;
	};
}

function Sheet(box) {
	const text = parse(box.querySelector("template").content.textContent), head = text.shift();
	const all = text.map((cells, place) => ({ cells: cells, place: place, low: cells.join("\t").toLowerCase() }));
	const numeric = head.map((_, i) => all.some(r => !missing(r.cells[i])) && all.every(r => missing(r.cells[i]) || !isNaN(number(r.cells[i]))));
	const table = box.querySelector("table"), body = table.tBodies[0], name = box.dataset.name;
	const size = 25, filters = new Map();
	let rows = all, words = [], sorted = -1, sign = 1, page = 0;

	const count = make("span", { className: "count" });
	const back = make("button", { type: "button", textContent: "Previous" }), next = make("button", { type: "button", textContent: "Next" });
	const where = make("span", { className: "where" });

	function draw() {
		const last = Math.max(0, Math.ceil(rows.length / size) - 1);
		page = Math.min(page, last);
		body.replaceChildren(...rows.slice(page * size, page * size + size).map(r => make("tr", {}, r.cells.map((cell, i) => {
			if (!numeric[i] && cell.length > 40)
				return make("td", { title: cell }, [make("span", { className: "long", textContent: cell })]);
			return make("td", { textContent: shown(cell, numeric[i]), className: numeric[i] ? "n" : "" });
		}))));
		count.textContent = rows.length === all.length ? all.length + " rows" : rows.length + " of " + all.length + " rows";
		where.textContent = "page " + (page + 1) + " of " + (last + 1);
		back.disabled = page === 0;
		next.disabled = page === last;
		back.parentNode.hidden = last === 0;
	}

	function select() {
		rows = all.filter(r => words.every(w => r.low.includes(w)) && [...filters].every(([i, value]) => value === "" || r.cells[i] === value));
		if (sorted >= 0)
			rows.sort(compare(sorted, numeric[sorted], sign));
		page = 0;
		draw();
		say(count.textContent);
	}

	[...table.tHead.rows[0].cells].forEach((th, i) => {
		const button = make("button", { type: "button", textContent: head[i] });
		button.addEventListener("click", () => {
			sign = sorted === i ? -sign : 1;
			sorted = i;
			[...table.tHead.rows[0].cells].forEach(other => other.removeAttribute("aria-sort"));
			th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
			select();
			say("sorted by " + head[i] + (sign > 0 ? ", ascending" : ", descending"));
		});
		th.replaceChildren(button);
	});

	const find = make("input", { type: "search", placeholder: "words in any column" });
	find.addEventListener("input", () => {
		words = find.value.toLowerCase().split(/\s+/).filter(w => w);
		select();
	});
	const tools = make("div", { className: "tools" }, [make("label", {}, ["Search ", find])]);
	head.forEach((title, i) => {
		const values = numeric[i] ? new Set() : new Set(all.map(r => r.cells[i]));
		if (values.size < 2 || values.size > 200 || values.size > all.length / 2 || filters.size === 4)
			return;
		const list = make("select", {}, [make("option", { value: "", textContent: "all" })].concat(
			[...values].sort().filter(v => v !== "").map(v => make("option", { value: v, textContent: v }))));
		list.addEventListener("change", () => {
			filters.set(i, list.value);
			select();
		});
		filters.set(i, "");
		tools.append(make("label", {}, [title + " ", list]));
	});
	const save = make("button", { type: "button", className: "save", textContent: "Download CSV" });
	save.addEventListener("click", () => download(name + ".csv", "text/csv;charset=utf-8", csv(head, rows.map(r => r.cells))));
	tools.append(count, save);
	back.addEventListener("click", () => { page--; draw(); });
	next.addEventListener("click", () => { page++; draw(); });
	box.prepend(tools);
	box.querySelector(".scroll").after(make("div", { className: "pager" }, [back, where, next]));
	draw();
}

function Figure(figure) {
	const name = figure.dataset.name, tools = make("div", { className: "tools" });
	const add = (label, act) => {
		const b = make("button", { type: "button", textContent: label });
		b.setAttribute("aria-label", label + " of the figure " + name);
		b.addEventListener("click", act);
		tools.append(b);
	};
	add("SVG", () => {
		const svg = figure.querySelector("svg").cloneNode(true);
		svg.prepend(make("style", { textContent: document.getElementById("figure-style").textContent }));
		download(name + ".svg", "image/svg+xml", new XMLSerializer().serializeToString(svg));
	});
	add("TSV", () => download(name + ".tsv", "text/tab-separated-values;charset=utf-8", figure.querySelector(".tsv").textContent));
	add("Vega-Lite", () => download(name + ".vl.json", "application/json", figure.querySelector(".spec").textContent));
	figure.querySelector("figcaption").append(tools);
}

document.documentElement.classList.add("scripts");
document.querySelectorAll(".sheet").forEach(Sheet);
document.querySelectorAll("figure").forEach(Figure);
document.querySelectorAll(".choice").forEach(choice => {
	const list = choice.querySelector("select");
	const show = () => choice.querySelectorAll("figure").forEach(f => { f.hidden = f.id !== list.value; });
	list.addEventListener("change", show);
	show();
});
/* What scrolls sideways can be reached with the keyboard. */
const reach = () => document.querySelectorAll(".picture").forEach(p => p.scrollWidth > p.clientWidth ? p.setAttribute("tabindex", "0") : p.removeAttribute("tabindex"));
addEventListener("resize", reach);
document.addEventListener("change", reach);
reach();
document.querySelectorAll(".code").forEach(code => {
	const button = make("button", { type: "button", textContent: "Copy" }), pre = code.querySelector("pre");
	button.addEventListener("click", () => {
		const mark = () => { getSelection().selectAllChildren(pre); say("selected: press the keys that copy"); };
		if (!navigator.clipboard)
			mark();
		else
			navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = "Copied"; say("copied"); }, mark);
	});
	code.querySelector("h3").append(button);
});
})();
