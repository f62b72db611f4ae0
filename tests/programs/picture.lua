-- Moving pictures in YUV 4:2:0, by integer arithmetic alone: luajit picture.lua WIDTH HEIGHT FRAMES
local width, height, frames = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local bit = require("bit")
local noise = 1
local function random()
    noise = bit.bxor(noise, bit.lshift(noise, 13))
    noise = bit.bxor(noise, bit.rshift(noise, 17))
    noise = bit.bxor(noise, bit.lshift(noise, 5))
    return noise
end
local function plane(w, h, frame, scale)
    local row = {}
    for y = 0, h - 1 do
        for x = 0, w - 1 do
            local px, py = (x + frame * 3) * scale, (y + frame) * scale
            local disc = bit.arshift((px % 160 - 80) ^ 2 + (py % 120 - 60) ^ 2, 6)
            local stripes = bit.band(bit.arshift(px, 3) + bit.arshift(py, 4), 1) * 40
            row[x + 1] = string.char(bit.band(60 + disc + stripes + bit.band(random(), 3), 255))
        end
        io.write(table.concat(row, "", 1, w))
    end
end
for frame = 0, frames - 1 do
    plane(width, height, frame, 1)
    plane(width / 2, height / 2, frame, 2)
    plane(width / 2, height / 2, frame + 7, 2)
end
