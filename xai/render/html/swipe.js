// Lays two pictures of one size over each other, with a divider that a slider or the pointer
// moves. Without this script they stand side by side.
function(box){
  var parts=box.firstElementChild,names=box.dataset.names.split('\n'),both=false,
  pictures=Array.from(parts.children).map(function(p){return p.querySelector('img').cloneNode()});
  function make(tag,cls,into,text){var e=document.createElement(tag);if(cls)e.className=cls;if(text)e.textContent=text;into.append(e);return e}
  var bar=make('div','whybook-bar',box),label=make('label','',bar),range,stage=make('div','whybook-over',box),b;
  box.prepend(bar,stage);
  make('b','',label,names[0]);
  range=make('input','',label);range.type='range';range.min=0;range.max=100;range.value=50;
  make('b','',label,names[1]);
  range.setAttribute('aria-label','How much of the picture shows '+names[0]+' rather than '+names[1]);
  b=make('button','',bar,'Show both');b.type='button';b.setAttribute('aria-pressed',false);
  // The right picture lies below, as large as it is; the left one above it is cut.
  stage.append(pictures[1],pictures[0]);
  var line=make('i','',stage);
  function show(){
    var p=+range.value;
    pictures[0].style.clipPath='inset(0 '+(100-p)+'% 0 0)';
    line.style.left=p+'%';
    range.setAttribute('aria-valuetext',p+' % '+names[0]+', '+(100-p)+' % '+names[1]);
    stage.hidden=both;parts.hidden=!both;range.disabled=both}
  range.oninput=show;
  b.onclick=function(){both=!both;b.setAttribute('aria-pressed',both);show()};
  function drag(e){
    if(!e.buttons)return;
    var r=stage.getBoundingClientRect();
    range.value=Math.round(100*(e.clientX-r.left)/r.width);show();e.preventDefault()}
  stage.onpointerdown=stage.onpointermove=drag;
  show()}
