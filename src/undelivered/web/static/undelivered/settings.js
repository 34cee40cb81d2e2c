/* Provider, sending domains, SMTP credentials: what takes seconds says so. */
"use strict"
document.addEventListener("submit", event => {
  const button = event.submitter
  if (!button || !button.dataset.busy || event.defaultPrevented) return
  setTimeout(() => { button.disabled = true; button.textContent = button.dataset.busy })
})
addEventListener("pageshow", event => { if (event.persisted) location.reload() })
