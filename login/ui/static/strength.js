// Shows how hard a new password is to guess, as the server judges it.
"use strict";
const box = document.getElementById("strength");
const password = document.getElementById("password");
const meter = box.querySelector("meter");
const words = box.querySelector("[role=status]");
let waiting;
let asked = 0;

async function judge() {
	const turn = ++asked;
	if (password.value === "") {
		box.hidden = true;
		return;
	}
	const about = ["email", "username"].map((id) => document.getElementById(id)?.value ?? "").filter(Boolean);
	let answer;
	try {
		const response = await fetch(box.dataset.score, {
			method: "POST",
			headers: { "Content-Type": "application/json", Accept: "application/json" },
			body: JSON.stringify({ password: password.value, about }),
		});
		answer = response.ok ? await response.json() : undefined;
	} catch {
		answer = undefined;
	}
	if (turn !== asked) {
		return; // more was typed meanwhile
	}
	box.hidden = answer === undefined;
	if (answer) {
		meter.value = answer.score;
		words.textContent = answer.text;
	}
}

password.addEventListener("input", () => {
	clearTimeout(waiting);
	waiting = setTimeout(judge, 250);
});
