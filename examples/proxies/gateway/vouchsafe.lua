-- Asks Vouchsafe's gateway whether a request may pass to the app. haproxy.cfg calls it.

local check = "http://127.0.0.1:8080/forward-auth/haproxy"
local told = {"x-auth-user", "x-auth-email", "x-auth-groups", "x-auth-identity"}

-- These are about the connection, or would describe the check instead of the request.
local dropped = {["host"] = true, ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true,
    ["upgrade"] = true, ["te"] = true, ["expect"] = true, ["keep-alive"] = true, ["accept-encoding"] = true,
    ["x-original-url"] = true, ["x-original-method"] = true, ["x-forwarded-for"] = true, ["forwarded"] = true}

local function copied(from, skip)
    local to = {}
    for name, values in pairs(from) do
        if not skip[name] then
            local list = {}
            for _, value in pairs(values) do
                table.insert(list, value)
            end
            to[name] = list
        end
    end
    return to
end

core.register_action("vouchsafe", {"http-req"}, function(txn)
    local headers = copied(txn.http:req_get_headers(), dropped)
    headers["x-original-url"] = {"https://" .. txn.sf:req_hdr("host") .. txn.sf:pathq()}
    headers["x-original-method"] = {txn.sf:method()}
    headers["x-forwarded-for"] = {txn.sf:src()}
    local answer = core.httpclient():get({url = check, headers = headers, timeout = 10000})
    if answer and answer.status == 200 then
        for _, name in ipairs(told) do
            txn.http:req_del_header(name)
            local values = answer.headers[name]
            if values and values[0] and values[0] ~= "" then
                txn.http:req_set_header(name, values[0])
            end
        end
        return
    end
    local reply = txn:reply()
    if answer and answer.status and answer.status >= 300 then
        reply:set_status(answer.status)
        for name, values in pairs(copied(answer.headers, dropped)) do
            for _, value in ipairs(values) do
                reply:add_header(name, value)
            end
        end
        reply:set_body(answer.body)
    else
        reply:set_status(503)
    end
    txn:done(reply)
end, 0)
