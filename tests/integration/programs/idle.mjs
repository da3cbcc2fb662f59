// Stands in a pane and does nothing, whatever its arguments: what a command that starts an agent is to the dashboard.
setInterval(() => {}, 60_000);
console.log("idle");
