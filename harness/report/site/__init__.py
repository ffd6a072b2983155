"""The leaderboard as a static site: pages made by jinja2, one style sheet, and scripts that only add to them."""
