// What pages do where scripts run; all of it works without. Times are shown in the browser's zone, forms are sent once
// and say so, and lists of zones and countries are offered.
const lang = document.documentElement.lang
const locale = navigator.languages.find(l => l.split("-")[0] === lang) ?? lang // en-GB where the page is in en

for (const time of document.querySelectorAll("time[datetime]")) {
	const at = new Date(time.dateTime)
	if (isNaN(at)) continue
	time.title = time.textContent
	time.textContent = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(at)
}
document.querySelectorAll("[data-utc]").forEach(e => { e.hidden = true })

// A note about a wait goes when the wait is over.
document.querySelectorAll("[data-wait]").forEach(e => setTimeout(() => { e.hidden = true }, e.dataset.wait * 1000))

// A form that is sent a second time would do its work twice, or spend a code. The buttons are disabled only after the
// browser has read the form, because the name of a disabled button is not sent.
const patience = 10000 // a download leaves the page where it is, and a broken connection too

function release(form) {
	delete form.dataset.sent
	form.removeAttribute("aria-busy")
	for (const button of form.querySelectorAll("button")) {
		button.disabled = false
		button.classList.remove("busy")
	}
}

document.addEventListener("submit", event => {
	const form = event.target
	if ("passkey" in form.dataset) return
	if ("sent" in form.dataset) return event.preventDefault()
	if (event.defaultPrevented) return
	form.dataset.sent = ""
	form.setAttribute("aria-busy", "true")
	event.submitter?.classList.add("busy")
	setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true })
	setTimeout(release, patience, form)
})
// A page that the browser kept is shown again as it was left.
addEventListener("pageshow", event => { if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(release) })

// Buttons that need a script are hidden without.
document.querySelectorAll("[data-script]").forEach(e => { e.hidden = false })
for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", async () => {
	const source = document.querySelector(button.dataset.copy)
	const text = source.textContent
	const lines = source.matches("ol") ? [...source.children].map(e => e.textContent) : [source.matches("pre") ? text : text.replaceAll(" ", "")]
	await navigator.clipboard.writeText(lines.join("\n"))
	const name = button.textContent
	button.textContent = button.dataset.done
	setTimeout(() => { button.textContent = name }, 3000)
})
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print())

// A button in each password field shows what was typed. The form is sent with the field hidden again, so that browsers
// keep what was typed as a password and not as a text.
for (const box of document.querySelectorAll(".password[data-show]")) {
	const field = box.querySelector("input")
	const button = document.createElement("button")
	const show = shown => {
		field.type = shown ? "text" : "password"
		button.ariaPressed = shown
	}
	button.type = "button"
	button.title = button.ariaLabel = box.dataset.show
	button.setAttribute("aria-controls", field.id)
	button.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 12s3.6-7 10-7 10 7 10 7-3.6 7-10 7S2 12 2 12Z"/><circle cx="12" cy="12" r="3"/><path class="struck" d="m4 4 16 16"/></svg>'
	button.addEventListener("click", () => {
		const at = field.selectionStart
		show(field.type === "password")
		field.focus()
		field.setSelectionRange(at, at)
	})
	show(false)
	field.after(button)
	field.form.addEventListener("submit", () => show(false))
	addEventListener("pagehide", () => show(false))
}

// <input list> whose list says what belongs in it.
const lists = {
	zones: () => Intl.supportedValuesOf("timeZone").map(zone => [zone]),
	countries: () => {
		const names = new Intl.DisplayNames(lang, { type: "region", fallback: "none" })
		const all = []
		for (let a = 65; a < 91; a++) for (let b = 65; b < 91; b++) {
			const code = String.fromCharCode(a, b)
			const name = names.of(code)
			if (name && !/^(EU|EZ|UN|X.|Q.|ZZ)$/.test(code)) all.push([name])
		}
		return all.sort((x, y) => x[0].localeCompare(y[0], lang))
	},
}
for (const list of document.querySelectorAll("datalist[data-of]")) {
	try {
		for (const [value] of new Map(lists[list.dataset.of]())) list.append(new Option(value, value))
	} catch {} // an old browser
}
