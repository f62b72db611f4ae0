-- 16-bit stereo sound by integer arithmetic alone, with a WAV header: luajit sound.lua SECONDS
local seconds = tonumber(arg[1])
local bit, rate = require("bit"), 44100
local samples = seconds * rate
local function le(value, bytes)
    local text = {}
    for i = 1, bytes do
        text[i] = string.char(value % 256)
        value = math.floor(value / 256)
    end
    return table.concat(text)
end
io.write("RIFF", le(36 + samples * 4, 4), "WAVEfmt ", le(16, 4), le(1, 2), le(2, 2), le(rate, 4), le(rate * 4, 4), le(4, 2), le(16, 2))
io.write("data", le(samples * 4, 4))
local noise = 1
local function voice(at, period, loudness)
    local phase = at % period
    local rise = math.abs(phase * 2 - period)
    return math.floor((rise * 2 - period) * loudness / period)
end
for at = 0, samples - 1 do
    noise = bit.band(noise * 1103 + 12345, 0xffff)
    local beat = 3000 - math.floor(at % 11025 / 4)
    local left = voice(at, 100, 6000) + voice(at, 75, 4000) + bit.arshift(noise - 32768, 6)
    local right = voice(at, 150, 5000) + voice(at, 67, beat) + bit.arshift(noise - 32768, 7)
    io.write(le(left % 65536, 2), le(right % 65536, 2))
end
