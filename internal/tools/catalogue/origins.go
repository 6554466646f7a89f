package main

// seen is how often steps of public definitions use a built-in action: 75 definitions in 31 files, and in 44 older versions of them.
var seen = map[string]uses{
	"branch.branchOnExpression":               {29, 28},
	"branch.branchOnValue":                    {10, 6},
	"branch.selectExecutedStepResult":         {0, 5},
	"change-data-format.binaryToJson":         {3, 5},
	"change-data-format.convertToNumber":      {0, 1},
	"change-data-format.convertToString":      {2, 8},
	"change-data-format.deserializeFormData":  {3, 3},
	"change-data-format.deserializeFromJson":  {7, 6},
	"change-data-format.deserializeFromXml":   {1, 0},
	"change-data-format.jsonToXml":            {1, 0},
	"code.runCode":                            {27, 52},
	"collection-tools.addKey":                 {1, 1},
	"collection-tools.addMultipleKeys":        {1, 0},
	"collection-tools.chunks":                 {1, 2},
	"collection-tools.create":                 {1, 0},
	"collection-tools.createObject":           {17, 11},
	"collection-tools.filter":                 {2, 2},
	"collection-tools.flatten":                {1, 2},
	"collection-tools.last":                   {2, 0},
	"collection-tools.length":                 {1, 1},
	"collection-tools.map":                    {1, 0},
	"collection-tools.validateJsonSchema":     {3, 6},
	"cross-flow.invokeFlow":                   {1, 0},
	"cross-flow.triggerFlow":                  {1, 1},
	"csv.generateFromObject":                  {1, 0},
	"csv.parse":                               {1, 0},
	"customHttp.httpPost":                     {1, 0},
	"datetime.adjustDateTime":                 {1, 0},
	"datetime.getCurrentDateTime":             {1, 0},
	"http.httpGet":                            {12, 8},
	"http.httpPost":                           {21, 28},
	"http.httpPostFormData":                   {1, 0},
	"http.httpPut":                            {1, 1},
	"http.httpRequest":                        {1, 1},
	"liquid-template.transform":               {4, 0},
	"log.writeLog":                            {17, 49},
	"loop.breakLoop":                          {8, 19},
	"loop.loopNTimes":                         {11, 15},
	"loop.loopOverCollection":                 {0, 1},
	"loop.loopOverItems":                      {27, 29},
	"math.add":                                {3, 1},
	"math.divide":                             {0, 1},
	"math.multiply":                           {0, 1},
	"messagepack.decodeMessage":               {1, 2},
	"persist-data.appendExecutionValueToList": {7, 5},
	"persist-data.getCrossFlowValue":          {6, 8},
	"persist-data.getExecutionValue":          {11, 13},
	"persist-data.getInstanceValue":           {4, 1},
	"persist-data.incrementExecutionValue":    {1, 1},
	"persist-data.listInstanceKeys":           {1, 1},
	"persist-data.removeCrossFlowValue":       {3, 3},
	"persist-data.saveCrossFlowValue":         {7, 6},
	"persist-data.saveExecutionValue":         {4, 7},
	"persist-data.saveInstanceValue":          {4, 1},
	"recursive-flow.getCursor":                {5, 0},
	"recursive-flow.invokeRecursive":          {5, 0},
	"recursive-flow.setCursor":                {5, 0},
	"reformat.deserializeFromJson":            {0, 2},
	"reformat.jsonToXml":                      {0, 5},
	"sleep.sleep":                             {1, 3},
	"stop-execution.stopExecution":            {18, 8},
	"text-manipulation.join":                  {4, 0},
	"text-manipulation.joinLines":             {3, 0},
	"text-manipulation.replace":               {2, 1},
	"text-manipulation.slice":                 {0, 1},
	"text-manipulation.split":                 {6, 4},
	"text-manipulation.upperCase":             {1, 2},
}

// uses is how many steps use an action.
type uses struct{ current, older int }

// renamed is where actions of older definitions are found now: import gives them the new names.
var renamed = map[string]string{
	"customHttp.httpPost":          "http.httpPost",
	"reformat.deserializeFromJson": "change-data-format.deserializeFromJson",
	"reformat.jsonToXml":           "change-data-format.jsonToXml",
}

// left is why actions of the reference are not there.
var left = map[string]string{
	"collection-tools.validateXmlSchema": "the libraries for Go that check XML against an XML schema are written in C, or too young to be relied on; `xml.validate` checks that XML is well-formed",
	"html-utils.convertInlineCss":        "selectors take a tree of the page, and of 43 KB of wrongly nested HTML the reader for Go makes one of 600 MB; the library for it reads CSS with a reader that nobody has kept since 2021, too; a step with `code.runCode` does for a few known styles",
	"jsonata.transform":                  "of the language's own 1,686 tests (2.2.2) blues/jsonata-go 1.5.4 passes 75 %, xiatechs/jsonata-go 1.8.8 76 %, and the younger libraries are not proved yet; `code.runCode` does the same in JavaScript, `liquid-template.transform` makes texts",
}

// referenced is the actions of each component that the reference of Prismatic's components describes, in small letters. Their keys and
// those of their inputs are the reference's; inputs beyond those are ours.
var referenced = map[string]string{
	"branch": "branchonexpression branchonvalue selectexecutedstepresult",
	"change-data-format": "converttoboolean converttoint converttonumber converttostring csvtojson csvtoxml csvtoyaml deserializefrombinary deserializefromcsv " +
		"deserializefromjson deserializejsonl deserializeformdata deserializefromxml deserializefromyaml binarytocsv binarytojson binarytoxml " +
		"binarytoyaml jsontocsv jsontoxml jsontoyaml prettyprint serializejsonl serializeformdata xmltocsv xmltojson xmltoyaml yamltocsv " +
		"yamltojson yamltoxml",
	"code": "runcode",
	"collection-tools": "addkey addmultiplekeys aggregate append chunks combinecollections concatenate count create createobject deduplicate fieldvaluemapping " +
		"filter first flatten fromobject last length map processinorder remove selectitemfromlist sort takefirst takelast toobject " +
		"validatejsonschema validatexmlschema",
	"cross-flow":  "invokeflow",
	"csv":         "generate generatefromobject parse",
	"data-mapper": "valuelistmapper valuemapper",
	"datetime":    "adjustdatetime convertfromepoch converttoepoch converttoisostring converttolocalisostring formatdatetime getcurrentdatetime",
	"hash": "computeblake2b512 computeblake2s256 computehash computehmac computemd4 computemd5 computemd5-sha1 computeripemd160 computesha1 " +
		"computesha224 computesha256 computesha3-224 computesha3-256 computesha3-384 computesha3-512 computesha384 computesha512 " +
		"computesha512-224 computesha512-256 computesm3 computewhirlpool",
	"html-utils":      "convertinlinecss formathtml gethtmlfromurl htmltoplaintext striphtmltags",
	"http":            "httpdelete httpget httppatch httppost httppostformdata httpput",
	"jsonata":         "transform",
	"liquid-template": "transform",
	"log":             "writelog writemetric",
	"loop":            "breakloop loopntimes loopoveritems",
	"math": "abs acos acosh add asin asinh atan atanh cbrt ceil cos cosh divide evaluate exp floor fround hypot log max min multiply naturallog pow " +
		"random randomint round sin sinh sqrt subtract tan tanh trunc",
	"messagepack": "decodemessage encodemessage",
	"persist-data": "getusage addcrossflowvaluetoset appendcrossflowvaluestolist appendcrossflowvaluetolist decrementcrossflowvalue getcrossflowvalue " +
		"incrementcrossflowvalue listcrossflowkeys removecrossflowstate removecrossflowvalue removecrossflowvaluefromlist " +
		"removecrossflowvaluefromset savecrossflowcurrenttime savecrossflowvalue addexecutionvaluetoset appendexecutionvaluestolist " +
		"appendexecutionvaluetolist decrementexecutionvalue getexecutionvalue incrementexecutionvalue listexecutionkeys removeexecutionstate " +
		"removeexecutionvalue removeexecutionvaluefromlist removeexecutionvaluefromset saveexecutioncurrenttime saveexecutionvalue " +
		"addinstancevaluetoset appendinstancevaluestolist appendinstancevaluetolist decrementinstancevalue getinstancevalue " +
		"incrementinstancevalue listinstancekeys removeinstancestate removeinstancevalue removeinstancevaluefromlist removeinstancevaluefromset " +
		"saveinstancecurrenttime saveinstancevalue addintegrationvaluetoset appendintegrationvaluestolist appendintegrationvaluetolist " +
		"decrementintegrationvalue getintegrationvalue incrementintegrationvalue listintegrationkeys removeintegrationstate " +
		"removeintegrationvalue removeintegrationvaluefromlist removeintegrationvaluefromset saveintegrationcurrenttime saveintegrationvalue",
	"process-data":       "deduplicate",
	"recursive-flow":     "getcursor invokerecursive setcursor",
	"result-placeholder": "actions",
	"sleep":              "sleep",
	"stop-execution":     "stopexecution",
	"text-manipulation": "decodebase64 encodebase64 htmldecode htmlencode join joinlines lowercase match replace replacemultiplesubstring slice split splitlines " +
		"stringlength trim uppercase",
	"uuid": "emptyuuid generateuuid",
	"zip":  "compressgzip decompressgzip unzip zip",
}
