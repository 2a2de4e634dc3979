std = "lua54"
globals = { "module", "prosody" }
max_line_length = 160
files["mod_gatehouse_directory.lua"].globals = { "module", "prosody" }
