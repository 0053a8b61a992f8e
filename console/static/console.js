// What the console does where scripts run, beside static/page.js of the pages; all of it works without. Lists are found
// while the administrator types, forms say what is wrong before they are sent, and all of a list can be selected.

// fetched replaces the elements with the given ids by those of another page, which is of this console.
async function fetched(url, ids, signal) {
	const answer = await fetch(url, { signal, headers: { Accept: "text/html" }, redirect: "error" })
	if (!answer.ok) throw new Error(answer.status)
	const page = new DOMParser().parseFromString(await answer.text(), "text/html")
	for (const id of ids) {
		const now = document.getElementById(id), then = page.getElementById(id)
		if (now && then) now.replaceWith(document.adoptNode(then))
	}
	wire()
}

const soon = (wait, f) => {
	let timer
	return (...args) => { clearTimeout(timer); timer = setTimeout(f, wait, ...args) }
}

// A search box with data-live shows what it finds in the element that it names.
for (const form of document.querySelectorAll("form[data-live]")) {
	let running
	const id = form.dataset.live.slice(1)
	const field = form.querySelector("[type=search]")
	const look = soon(180, async () => {
		running?.abort()
		running = new AbortController()
		const url = new URL(form.action)
		for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value)
		try {
			await fetched(url, [id], running.signal)
			history.replaceState(null, "", url)
		} catch (e) {
			if (e.name !== "AbortError") form.submit()
		}
	})
	field.addEventListener("input", look)
}

// A field with data-check asks a page what is wrong with its value, and says it below.
for (const field of document.querySelectorAll("[data-check]")) {
	let running
	field.addEventListener("input", soon(300, async () => {
		running?.abort()
		running = new AbortController()
		const url = new URL(field.dataset.check, location)
		url.searchParams.set("value", field.value)
		try {
			const answer = await fetch(url, { signal: running.signal, redirect: "error" })
			if (!answer.ok) return
			const { fault, note } = await answer.json()
			let said = document.getElementById(field.id + "-live")
			if (!said) {
				said = document.createElement("p")
				said.id = field.id + "-live"
				said.setAttribute("role", "status")
				field.after(said)
			}
			said.className = fault ? "fault" : "small"
			said.textContent = fault || note || ""
			fault ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid")
		} catch {} // the server says it after the form is sent
	}))
}

// An element with data-refresh is fetched again every so many seconds, while the page is seen, as long as it has it.
for (const { id, dataset } of document.querySelectorAll("[data-refresh][id]")) {
	const timer = setInterval(() => {
		if (!document.getElementById(id)?.dataset.refresh) return clearInterval(timer)
		if (!document.hidden && !document.querySelector(".done form:focus-within")) fetched(location, [id]).catch(() => {})
	}, dataset.refresh * 1000)
}

// wire gives its listeners to what fetched may have replaced.
function wire() {
	for (const all of document.querySelectorAll("input[data-all]:not([data-wired])")) {
		all.dataset.wired = ""
		all.closest("[hidden]")?.removeAttribute("hidden")
		const boxes = () => [...document.querySelectorAll(`input[type=checkbox][name="${all.dataset.all}"]`)]
		all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; count() })
	}
	count()
}

// The buttons for a selection wait until something is selected.
function count() {
	for (const bar of document.querySelectorAll("[data-selected]")) {
		const n = document.querySelectorAll(`input[type=checkbox][name="${bar.dataset.selected}"]:checked`).length
		for (const button of bar.querySelectorAll("button:not([data-anyway])")) button.disabled = n === 0
	}
}
document.addEventListener("change", event => { if (event.target.matches?.("input[type=checkbox]")) count() })
addEventListener("pageshow", count)

// "/" goes to the search box, as in other consoles.
document.addEventListener("keydown", event => {
	if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return
	if (event.target.matches("input, textarea, select, [contenteditable]")) return
	const box = document.querySelector("[type=search]")
	if (box) { event.preventDefault(); box.focus() }
})

// A form with what was typed and not sent asks before the page is left.
for (const form of document.querySelectorAll("form[data-careful]")) {
	let dirty = false
	form.addEventListener("input", () => { dirty = true })
	form.addEventListener("submit", () => { dirty = false })
	addEventListener("beforeunload", event => { if (dirty) event.preventDefault() })
}

wire()
