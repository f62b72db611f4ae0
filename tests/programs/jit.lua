-- Loops that get hot, then change their types, so that compiled traces are left, patched and made anew.
local part = tonumber(arg[1]) or 1
local bit, ffi = require("bit"), require("ffi")
local function sieve(n)
    local flags = ffi.new("uint8_t[?]", n + 1)
    local count = 0
    for i = 2, n do
        if flags[i] == 0 then
            count = count + 1
            -- Never beyond 32 bits: Debian 12's LuaJIT crashes there, under any emulator.
            if i < 32768 then for j = i * i, n, i do flags[j] = 1 end end
        end
    end
    return count
end
local function mandel(n)
    local inside = 0
    for y = 0, n - 1 do
        for x = 0, n - 1 do
            local cr, ci, zr, zi = x * 3 / n - 2, y * 2 / n - 1, 0, 0
            local k = 0
            while k < 100 and zr * zr + zi * zi < 4 do
                zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
                k = k + 1
            end
            if k == 100 then inside = inside + 1 end
        end
    end
    return inside
end
local function closures(n)
    local sum = 0
    for i = 1, n do
        local f = function(x) return x * i end
        sum = (sum + f(i % 7)) % 1000003
    end
    return sum
end
local function polymorphic(n)
    local values, out = { 1, 2.5, "3", 4, "5.5", 7 }, 0
    for i = 1, n do out = out + values[i % 6 + 1] * 2 end
    return out
end
local function strings(n)
    local words = {}
    for i = 1, n do words[#words + 1] = string.format("%x-%d", bit.bxor(i, 0x5a5a), i % 13) end
    local text = table.concat(words, " ")
    local hash = 0
    for word in text:gmatch("%x+%-") do
        for i = 1, #word do hash = bit.bxor(bit.rol(hash, 5), word:byte(i)) end
    end
    return #text, hash
end
local function objects(n)
    local class = {}
    class.__index = class
    function class:add(k) self.total = self.total + k return self end
    local list = {}
    for i = 1, 64 do list[i] = setmetatable({ total = 0 }, class) end
    for i = 1, n do list[i % 64 + 1]:add(i % 10) end
    local sum = 0
    for _, object in ipairs(list) do sum = sum + object.total end
    return sum
end
local function int64(n)
    local x = 88172645463325252ULL
    for _ = 1, n do
        x = bit.bxor(x, bit.lshift(x, 13))
        x = bit.bxor(x, bit.rshift(x, 7))
        x = bit.bxor(x, bit.lshift(x, 17))
    end
    return tostring(x)
end
print("sieve", sieve(3000000 / part))
print("mandel", mandel(500 / part))
print("closures", closures(1500000 / part))
print("polymorphic", polymorphic(2000000 / part))
print("strings", strings(200000 / part))
print("objects", objects(5000000 / part))
print("int64", int64(5000000 / part))
print("sort", (function()
    local v, x = {}, 1
    for i = 1, 100000 / part do x = (x * 16807) % 2147483647 v[i] = x end
    table.sort(v, function(a, b) return a > b end)
    return string.format("%.17g", v[100] / v[1000])
end)())
